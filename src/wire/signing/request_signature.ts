/** HTTP Message Signatures (RFC 9421) as MCP's requests have them here: what they cover, and how one is made. */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { contentDigest } from "./content_digest.ts";
import type { KeyPair } from "./key_pair.ts";

export const ALGORITHM = "ed25519";
/** A signature for something else does not count here. */
export const TAG = "mcp";
/** What each covers, beside the digest of the body where there is one. */
export const COMPONENTS = ["@method", "@target-uri"] as const;
export const DIGEST = "content-digest";
export const PARAMETERS = ["created", "expires", "nonce", "keyid", "tag"] as const;
/** What it is called among other signatures. */
export const LABEL = "mcp";

/** For how long one counts: enough for a request on its way. */
const LIFETIME_S = 30;
const NONCE_BYTES = 16;

interface Signable {
  readonly method: string;
  readonly url: URL;
  readonly body?: string | undefined;
}

/** The headers that say who sends a request. */
export type RequestSigner = (request: Signable) => Promise<Readonly<Record<string, string>>>;

/** Each has a nonce of its own, so that what is sent once more is signed once more. */
export function requestSigner(pair: KeyPair): RequestSigner {
  const signer = { algorithm: ALGORITHM, sign: (data: Uint8Array) => pair.sign(data) };
  return async ({ method, url, body }) => {
    const { createSignature } = await import("http-message-sig");
    const digest = body === undefined ? {} : { [DIGEST]: contentDigest(body) };
    const fields = Object.entries(digest).map(([name, value]) => ({ name, value }));
    const { signature, signatureInput } = await createSignature(
      { kind: "request", method, targetUri: targetUri(url), fields },
      {
        label: LABEL,
        components: [...COMPONENTS, ...Object.keys(digest)],
        parameters: parametersOf(pair),
        signer,
      },
    );
    return { ...digest, "signature-input": signatureInput, signature };
  };
}

function parametersOf({ publicKey }: KeyPair) {
  const created = Math.floor(Date.now() / 1000);
  const nonce = Buffer.from(randomBytes(NONCE_BYTES)).toString("base64url");
  return { created, expires: created + LIFETIME_S, nonce, keyid: publicKey.fingerprint, tag: TAG };
}

/** A WebSocket begins as a request of HTTP (RFC 6455, section 1.3), and its URL is signed as that of one. */
function targetUri({ href, hash }: URL): string {
  return href.slice(0, href.length - hash.length).replace(/^ws/, "http");
}
