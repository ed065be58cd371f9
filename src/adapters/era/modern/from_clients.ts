/** What the clients of a modern server say: whose business each message is, and what of it the server may hear. */
import type { Envelope } from "../../../core/channel.ts";
import { Method } from "../../../core/mcp/methods.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
} from "../../../core/message/jsonrpc.ts";
import { anew } from "../../../wire/anew.ts";
import { withKnownKeys } from "../../sharing/known_keys.ts";
import type { ServerEnd } from "../../sharing/server_end.ts";
import type { SharedClient } from "../../sharing/shared_client.ts";
import { MODERN_KEYS } from "./modern_keys.ts";
import type { ModernRequests } from "./modern_requests.ts";
import { notificationRefusal, requestRefusal } from "./refusals.ts";
import { withRequestMeta } from "./with_request_meta.ts";

export class FromClients {
  readonly #server: ServerEnd;
  readonly #requests: ModernRequests;

  constructor(server: ServerEnd, requests: ModernRequests) {
    this.#server = server;
    this.#requests = requests;
  }

  /** Passes on, refuses or drops what a client says. Throws as the server's channel does. */
  hear(client: SharedClient, said: Envelope): Promise<void> | void {
    const envelope = withKnownKeys(said, MODERN_KEYS);
    if (envelope !== said) this.#drop("a part of it, with a key that the server may take for another");
    const { message } = envelope;
    // A server asks nothing in this era (2026-07-28, basic page, "Messages").
    if (isResponse(message)) return this.#drop("it answers, and a modern server has asked nothing");
    return isRequest(message)
      ? this.#request(client, envelope, message)
      : this.#notification(client, envelope, message);
  }

  #request(client: SharedClient, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const { id } = message;
    const refusal = requestRefusal(message, this.#requests.isOpen(client, id));
    if (refusal) return client.deliver({ message: errorOf(id, refusal), relatesTo: id });
    return this.#requests.pass(client, envelope, message);
  }

  /**
   * MCP has no other notification of clients than the cancellation; what an extension has passes, since it means nothing
   * here. Written anew: its text might say something else to the server than it says to us.
   */
  #notification(
    client: SharedClient,
    envelope: Envelope,
    message: JsonRpcNotification,
  ): Promise<void> | void {
    if (message.method === Method.cancelled) return this.#requests.cancel(client, envelope, message);
    const refusal = notificationRefusal(message.method);
    if (refusal !== undefined) return this.#drop(refusal);
    return this.#server.send(anew(envelope, message, withRequestMeta));
  }

  #drop(reason: string): void {
    this.#server.drop("up", reason);
  }
}
