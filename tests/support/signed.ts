/** Requests that are signed by hand, rightly or wrongly: written after RFC 9421 alone, by nothing of the gateway's. */
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A caller with a key of its own. */
export class Signatory {
  readonly privateKey: KeyObject;
  /** What stands in a file of authorised keys before the name. */
  readonly line: string;
  readonly fingerprint: string;
  readonly pem: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    const blob = Buffer.concat([packed(Buffer.from("ssh-ed25519")), packed(raw)]);
    this.privateKey = privateKey;
    this.pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
    this.line = `ssh-ed25519 ${blob.toString("base64")}`;
    this.fingerprint = `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
  }
}

export interface Signing {
  readonly method?: string;
  readonly url: string;
  readonly body?: string;
  /** In seconds from now. */
  readonly created?: number;
  readonly expires?: number;
  readonly nonce?: string;
  readonly keyid?: string;
  readonly tag?: string;
  /** In place of those that are wanted. */
  readonly components?: readonly string[];
  /** Parameters that are left out. */
  readonly without?: readonly string[];
  /** Fields that components may name. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly digest?: string;
}

export function signed({ privateKey, fingerprint }: Signatory, signing: Signing): Record<string, string> {
  const { method = "GET", url, body, created = 0, expires = 30, without = [] } = signing;
  const now = Math.floor(Date.now() / 1000);
  const digest = signing.digest ?? (body === undefined ? undefined : digestOf(body));
  const components = signing.components ??
    ["@method", "@target-uri", ...digest === undefined ? [] : ["content-digest"]];
  const values: Record<string, string | undefined> = {
    "@method": method,
    "@target-uri": url,
    "content-digest": digest,
    ...signing.fields,
  };
  const parameters = Object.entries({
    created: now + created,
    expires: now + expires,
    nonce: quoted(signing.nonce ?? randomBytes(12).toString("base64url")),
    keyid: quoted(signing.keyid ?? fingerprint),
    tag: quoted(signing.tag ?? "mcp"),
  }).filter(([name]) => !without.includes(name)).map(([name, value]) => `;${name}=${value}`).join("");
  const list = `(${components.map(quoted).join(" ")})${parameters}`;
  const base = [
    ...components.map((name) => `${quoted(name)}: ${values[name]}`),
    `"@signature-params": ${list}`,
  ].join("\n");
  return {
    ...digest !== undefined && { "content-digest": digest },
    "signature-input": `sig=${list}`,
    signature: `sig=:${sign(null, Buffer.from(base), privateKey).toString("base64")}:`,
  };
}

export function digestOf(body: string): string {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}

function quoted(text: string): string {
  return `"${text}"`;
}

function packed(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
