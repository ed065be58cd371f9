/**
 * Which requests want to hear what is logged. A server logs for a request alone, on a channel for all without saying for
 * which (2026-07-28, "Logging"): where it can be one only, it is that one's.
 */
import { Table } from "../../../base/table.ts";
import { MetaKey, metaOf } from "../../../core/mcp/request_meta.ts";
import type { JsonRpcRequest } from "../../../core/message/jsonrpc.ts";
import type { ForwardedRequest } from "../../sharing/shared_client.ts";

export class LogAskers {
  readonly #open = new Table<number, ForwardedRequest>();
  /**
   * The youngest id that the server was asked under before one of these was taken back. Until it answers a younger one it
   * may not have read that, and what it logs may be for the one that was.
   */
  #inDoubtUpTo: number | undefined;

  /** Books a request that the server is sent. */
  add(request: ForwardedRequest, message: JsonRpcRequest): void {
    const level = metaOf(message)?.[MetaKey.logLevel];
    if (level !== undefined) this.#open.set(request.serverId, request);
  }

  has({ serverId }: ForwardedRequest): boolean {
    return this.#open.has(serverId);
  }

  /** The server has answered a request. */
  answered({ serverId }: ForwardedRequest): void {
    this.#open.take(serverId);
    if (this.#inDoubtUpTo !== undefined && serverId > this.#inDoubtUpTo) this.#inDoubtUpTo = undefined;
  }

  /** A client has taken a request back, and `lastId` was the last one that the server was asked under. */
  takenBack({ serverId }: ForwardedRequest, lastId: number): void {
    if (this.#open.take(serverId)) this.#inDoubtUpTo = lastId;
  }

  /** The one that it must be for, if that is certain. */
  sole(): ForwardedRequest | undefined {
    return this.#inDoubtUpTo === undefined ? this.#open.sole() : undefined;
  }
}
