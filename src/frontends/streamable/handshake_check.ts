/** Watches the handshake of one client for a revision that our HTTP layer would refuse later. */
import type { Envelope } from "../../core/channel.ts";
import { RpcCode } from "../../core/errors.ts";
import { isHandshake, revisionIn } from "../../core/mcp/messages.ts";
import { isServed, servedRevisions } from "../../core/mcp/revisions.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { quoted } from "../../base/outside.ts";

export class HandshakeCheck {
  #initializeId: RequestId | undefined;
  #version: string | undefined;

  /** The revision that both sides agreed on; undefined before the answer to `initialize`. */
  get version(): string | undefined {
    return this.#version;
  }

  /** Sees each message of the client. */
  sent(message: JsonRpcMessage): void {
    // Of two that are open the second is refused.
    if (isRequest(message) && isHandshake(message)) this.#initializeId ??= message.id;
  }

  /** What to pass on as the answer to `initialize`, now that the reason can still be told; undefined for others. */
  answer(envelope: Envelope): Envelope | undefined {
    const { message } = envelope;
    if (!isResponse(message) || message.id === null || message.id !== this.#initializeId) return undefined;
    this.#initializeId = undefined;
    if ("error" in message) return envelope;
    const version = revisionIn(message.result);
    if (typeof version === "string" && isServed(version)) {
      this.#version = version;
      return envelope;
    }
    const text = `The server answered with protocol version ${quoted(version)}, ` +
      `which is not served here (supported versions: ${servedRevisions()})`;
    const error = errorOf(message.id, { code: RpcCode.internalError, message: text });
    return { message: error, relatesTo: envelope.relatesTo };
  }
}
