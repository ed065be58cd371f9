/** A look at the certificate that a server shows, whether or not anybody trusts it; nothing is said to it. */
import { isIP } from "node:net";
import process from "node:process";
import { proxyFor, withoutBrackets } from "./proxy.ts";

export interface ShownCertificate {
  readonly selfSigned: boolean;
  /** What its issuer calls itself, where it does. */
  readonly issuer: string | undefined;
}

/** It only makes an error clearer, which must not wait for long. */
const LOOK_MS = 3_000;

/** Undefined where it is not to be had: behind a proxy it is not looked for. */
export async function shownCertificate(url: URL, signal: AbortSignal): Promise<ShownCertificate | undefined> {
  if (isProxied(url)) return undefined;
  // Loaded by nobody else, and seldom wanted.
  const tls = process.getBuiltinModule("node:tls");
  const host = withoutBrackets(url.hostname);
  const socket = tls.connect({
    host,
    port: Number(url.port) || 443,
    ...isIP(host) === 0 && { servername: host },
    rejectUnauthorized: false,
  });
  const enough = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]);
  try {
    await new Promise<void>((resolve, reject) => {
      enough.addEventListener("abort", () => reject(enough.reason), { once: true });
      socket.once("secureConnect", resolve).once("error", reject).once("close", reject);
    });
    const { subject, issuer } = socket.getPeerCertificate();
    return { selfSigned: JSON.stringify(subject) === JSON.stringify(issuer), issuer: nameOf(issuer) };
  } catch {
    // A server that behaves otherwise now, or is gone: its first refusal is told as it is.
    return undefined;
  } finally {
    socket.destroy();
  }
}

function isProxied(url: URL): boolean {
  try {
    return proxyFor(url, (name) => Deno.env.get(name)) !== undefined;
  } catch {
    // Such a proxy is an error of its own.
    return true;
  }
}

/** A name may be there several times. */
function nameOf({ CN, O }: Readonly<Record<"CN" | "O", string | string[] | undefined>>): string | undefined {
  const [name] = [CN ?? O].flat();
  return typeof name === "string" ? name : undefined;
}
