/** Clients of HTTPS that say what they see of a certificate, each on a connection of its own. */
import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";

/** SHA-256, as openssl shows it. */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

/** Of the certificate that a new connection is shown. */
export function shownFingerprint(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    // The test looks at it itself.
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

/** The status of a request on a new connection. Rejects for a certificate that is none of these. */
export async function statusOverNew(port: number, caCerts: string[]): Promise<number> {
  using conn = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts });
  const request = `GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
  await conn.write(new TextEncoder().encode(request));
  const answer = await new Response(conn.readable).text();
  return Number(answer.split(" ")[1]);
}
