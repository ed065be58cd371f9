/** Watches the handshake of one client for a revision that our HTTP layer would refuse later. */
import type { Envelope } from "../../core/channel.ts";
import { RpcCode } from "../../core/errors.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { isServed, SUPPORTED_VERSIONS } from "../http_checks.ts";
import { isInitialize } from "../posted.ts";
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
    if (isRequest(message) && isInitialize(message)) this.#initializeId ??= message.id;
  }

  /** What to pass on as the answer to `initialize`, now that the reason can still be told; undefined for others. */
  answer(envelope: Envelope): Envelope | undefined {
    const { message } = envelope;
    if (!isResponse(message) || message.id === null || message.id !== this.#initializeId) return undefined;
    this.#initializeId = undefined;
    if ("error" in message) return envelope;
    const version = versionIn(message.result);
    if (typeof version === "string" && isServed(version)) {
      this.#version = version;
      return envelope;
    }
    const text = `The server answered with protocol version ${quoted(version)}, ` +
      `which is not served here (supported versions: ${SUPPORTED_VERSIONS.join(", ")})`;
    const error = errorOf(message.id, { code: RpcCode.internalError, message: text });
    return { message: error, relatesTo: envelope.relatesTo };
  }
}

function versionIn(result: unknown): unknown {
  return typeof result === "object" && result !== null && "protocolVersion" in result
    ? result.protocolVersion
    : undefined;
}
