/** What a body is, in a header (RFC 9530): a signature over that is one over the body. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** Those that count, the stronger one first. */
const ALGORITHMS = ["sha-512", "sha-256"];
/** A member of a dictionary (RFC 9651, section 3.2) whose value is bytes. */
const MEMBER = /^([a-z*][a-z0-9_.*-]{0,40})=:([A-Za-z0-9+/]{1,200}={0,2}):$/;

/** The field for a text, which is sent as UTF-8. */
export function contentDigest(text: string): string {
  return `sha-256=:${createHash("sha256").update(text).digest("base64")}:`;
}

/** Compares a body with what was said of it. */
export interface DigestCheck {
  /** Takes the next piece of it. */
  update(bytes: Uint8Array): void;
  /** Once all of it has come. */
  fits(): boolean;
}

/** Undefined for a field that is malformed, or names no algorithm that counts. */
export function digestCheck(field: string): DigestCheck | undefined {
  const digests = digestsIn(field);
  const algorithm = ALGORITHMS.find((name) => digests?.has(name));
  if (!digests || algorithm === undefined) return undefined;
  const expected = Buffer.from(digests.get(algorithm) ?? "", "base64");
  const hash = createHash(algorithm.replace("-", ""));
  return {
    update: (bytes) => void hash.update(bytes),
    fits: () => hash.digest().equals(expected),
  };
}

/** Of a request that says nothing of its body: it has none. */
export function emptyCheck(): DigestCheck {
  let empty = true;
  return {
    update(bytes) {
      empty &&= bytes.length === 0;
    },
    fits: () => empty,
  };
}

/** By algorithm, in base64; undefined where one is malformed. */
function digestsIn(field: string): Map<string, string> | undefined {
  const members = field.split(",").map((member) => MEMBER.exec(member.trim()));
  const digests = new Map<string, string>();
  for (const member of members) {
    const [, algorithm, digest] = member ?? [];
    if (algorithm === undefined || digest === undefined) return undefined;
    digests.set(algorithm, digest);
  }
  return digests;
}
