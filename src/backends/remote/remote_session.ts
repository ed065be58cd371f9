/** What a remote server said of itself in its handshake, which every later request repeats. */
import type { Envelope } from "../../core/channel.ts";
import { isHandshake, revisionIn } from "../../core/mcp/messages.ts";
import { isResponse, type JsonRpcRequest, type RequestId } from "../../core/message/jsonrpc.ts";
import { RemoteError } from "./remote_error.ts";

export const SESSION_HEADER = "mcp-session-id";

export class RemoteSession {
  #id: string | undefined;
  #version: string | undefined;
  #initializeId: RequestId | undefined;

  /** Of the session and the revision, as far as they are known (transports page, "Session Management"). */
  get headers(): Record<string, string> {
    return {
      ...(this.#id === undefined ? {} : { [SESSION_HEADER]: this.#id }),
      ...(this.#version === undefined ? {} : { "mcp-protocol-version": this.#version }),
    };
  }

  /** Sees each request of the client. */
  asked(message: JsonRpcRequest): void {
    if (isHandshake(message)) this.#initializeId = message.id;
  }

  /** Sees each message of the server, and the response that it came in; true when that is a session's beginning. */
  heard({ message }: Envelope, response: Response | undefined): boolean {
    if (!isResponse(message) || message.id !== this.#initializeId || !("result" in message)) return false;
    this.#initializeId = undefined;
    // What comes on the server's own stream belongs to the session that this was asked for with.
    if (response) this.given(response);
    this.#version = versionIn(message.result);
    return true;
  }

  /** Takes the session that `initialize` was taken with; false where it is none. */
  given({ headers }: Response): boolean {
    // An empty one is none.
    this.#id = headers.get(SESSION_HEADER) || undefined;
    return this.#id !== undefined;
  }

  /** 404, or what servers say in its place, to a request with a session id: the session is gone (same section). */
  isLost(error: unknown): boolean {
    return this.#id !== undefined && error instanceof RemoteError && error.sessionRefused;
  }

  /** The headers that end it at the server, once; undefined where there is no session. */
  end(): Record<string, string> | undefined {
    const { headers } = this;
    const known = this.#id !== undefined;
    this.#id = undefined;
    return known ? headers : undefined;
  }
}

function versionIn(result: unknown): string | undefined {
  const version = revisionIn(result);
  // It becomes a header, which not everything can be.
  return typeof version === "string" && /^[\w.-]+$/.test(version) ? version : undefined;
}
