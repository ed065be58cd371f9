/** Whether a remote server is the one that is meant: it signs a question of ours, and its key is known. */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { BackendError, type GatewayError, messageOf } from "../../core/errors.ts";
import { IDENTITY_PATH, provedBy } from "../../wire/signing/identity.ts";
import type { PublicKey } from "../../wire/signing/public_key.ts";
import { displayUrl } from "./remote_error.ts";

/** Which keys count. Throws GatewayError for another one. */
export type ServerTrust = (origin: string, key: PublicKey) => void;

/** Asks a URL without credentials, and follows nobody elsewhere. */
type Ask = (url: URL, signal: AbortSignal) => Promise<Response>;

const NONCE_BYTES = 24;
const MAX_ANSWER_BYTES = 4_096;

/** Those of one conversation that have proved who they are. */
export class KnownServers {
  readonly #trust: ServerTrust | undefined;
  readonly #ask: Ask;
  readonly #known = new Set<string>();

  /** Without `trust` any server will do. */
  constructor(trust: ServerTrust | undefined, ask: Ask) {
    this.#trust = trust;
    this.#ask = ask;
  }

  /** Throws BackendError for one that does not prove that it is the one that is meant, and whatever keeps us from asking. */
  async require(url: URL, signal: AbortSignal): Promise<void> {
    if (!this.#trust || this.#known.has(url.origin)) return;
    const origin = httpOrigin(url);
    const nonce = Buffer.from(randomBytes(NONCE_BYTES)).toString("base64url");
    const response = await this.#ask(new URL(`${IDENTITY_PATH}?nonce=${nonce}`, origin), signal);
    if (response.status !== 200) {
      await response.body?.cancel();
      throw unproved(url, `HTTP ${response.status} at ${IDENTITY_PATH}`);
    }
    this.#trust(origin, keyIn(await answerOf(url, response), url, { origin, nonce }));
    this.#known.add(url.origin);
  }
}

function keyIn(
  text: string,
  url: URL,
  asked: { readonly origin: string; readonly nonce: string },
): PublicKey {
  try {
    return provedBy(JSON.parse(text), asked);
  } catch (error) {
    throw unproved(url, error instanceof SyntaxError ? "the answer is no JSON" : messageOf(error));
  }
}

async function answerOf(url: URL, { body }: Response): Promise<string> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; reader;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw unproved(url, "the answer is too long");
    }
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

function unproved(url: URL, why: string): GatewayError {
  return new BackendError(`${displayUrl(url)} does not prove who it is: ${why}`, { permanent: true });
}

function httpOrigin(url: URL): string {
  return new URL(url.href.replace(/^ws/, "http")).origin;
}
