import assert from "node:assert/strict";
import { certificateFault, tlsFault } from "./tls_fault.ts";

const { signal } = new AbortController();

/** As rustls says it; what can be made to happen is tested in `tests/e2e/remote_certificates_test.ts`. */
const FAULTS: readonly (readonly [fault: string, reason: RegExp])[] = [
  ["UnknownIssuer", /^is self-signed, or of an authority that is not known here: --caFile /],
  ["NotValidYet", /^is not valid yet: /],
  [
    "certificate not valid yet: verification time 1 (UNIX), but certificate is not valid before 2",
    /^is not valid yet: /,
  ],
  [
    "certificate expired: verification time 2 (UNIX), but certificate is not valid after 1 (1 seconds ago)",
    /^has expired: /,
  ],
  ["NotValidForName", /^is for another host, and not for host: .*add DNS:host to its subjectAltName$/],
  [
    "Other(OtherError(UnsupportedCertVersion))",
    /^is of X\.509 version 1, .* "-addext subjectAltName=DNS:host"$/,
  ],
  [
    "UnsupportedSignatureAlgorithmContext { signature_algorithm_id: [6, 9] }",
    /^is signed in a way .*SHA-256$/,
  ],
  ["InvalidPurpose", /^is not one for servers/],
  ["Revoked", /^has been revoked/],
  [`BadEncoding\x1b[2J${"x".repeat(500)}`, /^is not valid: BadEncoding\\u001b\[2Jx{1,200}…$/],
];

Deno.test("certificateFault says what is wrong with a certificate, and what would be right", () => {
  for (const [fault, reason] of FAULTS) assert.match(certificateFault(fault, "host"), reason);
  const own = { selfSigned: true, issuer: "me" };
  assert.match(certificateFault("UnknownIssuer", "host", own), /^is self-signed: /);
  const nameless = { selfSigned: false, issuer: undefined };
  assert.match(
    certificateFault("UnknownIssuer", "host", nameless),
    /^is of an authority that is not known here: /,
  );
});

Deno.test("certificateFault quotes what a certificate says, and no more of it than there is room for", () => {
  const names = Array.from({ length: 9 }, (_, n) => `DnsName("h${n}\x1b[2J")`).join(", ");
  const fault = `certificate not valid for name "::1"; certificate is only valid for ${names}`;
  assert.match(
    certificateFault(fault, "::1"),
    /^is for "h0\\u001b\[2J", "h1\\u001b\[2J", "h2\\u001b\[2J" and others, and not for ::1: .* IP:::1 /,
  );
  const issuer = `\x1b[2J${"x".repeat(500)}`;
  const told = certificateFault("UnknownIssuer", "host", { selfSigned: false, issuer });
  assert.match(told, /^[\x20-\x7e…]+$/);
  assert(told.length < 300);
});

Deno.test("tlsFault knows what is about TLS, and shows no secret of its URL", async () => {
  const url = new URL("https://me:s3cret@host/mcp?key=s3cret");
  assert.equal(await tlsFault(url, new Error("Connection refused"), signal), undefined);
  const plain = new Error(`error for url (${url}): received corrupt message of type InvalidContentType`);
  const noTls = await tlsFault(url, new TypeError("fetch failed", { cause: plain }), signal);
  assert.equal(noTls?.message, "Cannot reach https://host/mcp: it speaks no TLS there; expected http://");
  assert.deepEqual([noTls?.delivered, noTls?.permanent], [false, true]);
  assert.doesNotMatch(`${noTls?.cause}`, /s3cret/);
  const cause = new Error(
    `error for url (${url}): client error (Connect): invalid peer certificate: Expired`,
  );
  const error = await tlsFault(url, new TypeError("fetch failed", { cause }), signal);
  assert.match(error?.message ?? "", /^Cannot trust https:\/\/host\/mcp: its certificate has expired: /);
  assert.deepEqual([error?.delivered, error?.permanent, error?.cause], [false, true, new Error("Expired")]);
});
