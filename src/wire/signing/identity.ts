/** How a gateway proves who it is: what it signs, of the question of whoever asks. */
import { Buffer } from "node:buffer";
import type { KeyPair } from "./key_pair.ts";
import { parseKeyLine, type PublicKey } from "./public_key.ts";

/** Where it is asked. */
export const IDENTITY_PATH = "/.well-known/keystone-identity";
/** What asks: enough of it that nobody has seen the answer before. */
export const NONCE = /^[\w-]{16,128}$/;

interface Statement {
  /** Who it says it is: scheme, host and port. */
  readonly origin: string;
  readonly nonce: string;
  /** In ISO 8601. */
  readonly time: string;
}

export function signedStatement({ publicKey, sign }: KeyPair, statement: Statement) {
  const signature = Buffer.from(sign(bytesOf(statement))).toString("base64");
  return { ...statement, key: publicKey.line, signature };
}

/** Whose answer it is. Throws an Error for one that proves nothing. */
export function provedBy(answer: unknown, { origin, nonce }: Omit<Statement, "time">): PublicKey {
  const said = new Map(Object.entries(answer ?? {}));
  const [time, line, signature] = ["time", "key", "signature"].map((name) => said.get(name));
  if (typeof time !== "string" || typeof line !== "string" || typeof signature !== "string") {
    throw new Error("the answer is no proof");
  }
  if (said.get("nonce") !== nonce) throw new Error("the proof is one for somebody else");
  if (said.get("origin") !== origin) throw new Error("the proof is that of another server");
  const { key } = parseKeyLine(line);
  const bytes = new Uint8Array(Buffer.from(signature, "base64"));
  if (!key.verify(bytesOf({ origin, nonce, time }), bytes)) throw new Error("the proof is signed wrongly");
  return key;
}

/** Nothing else that is signed by such a key begins so. */
function bytesOf({ origin, nonce, time }: Statement): Uint8Array {
  return new TextEncoder().encode(`keystone-identity\n${origin}\n${nonce}\n${time}`);
}
