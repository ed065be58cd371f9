/** Who was asked to open which URL: the server tells of its completion after the answer, by the elicitation's id. */
import type { Envelope } from "../../core/channel.ts";
import { Method } from "../../core/mcp/methods.ts";
import type { JsonRpcMessage, JsonRpcNotification } from "../../core/message/jsonrpc.ts";
import type { SharedClient } from "./shared_client.ts";

/** Of all clients together: one that is never completed must not be remembered for ever. */
const MAX_REMEMBERED = 1_000;
/** A longer id is not remembered: a server must not fill our memory. */
const MAX_ID_CHARS = 1_024;
/** An answer that asks for elicitations before the request is tried again (2025-11-25, "URL Elicitation Required"). */
const URL_ELICITATION_REQUIRED = -32042;

export class Elicitations {
  /** Oldest first. */
  readonly #asked = new Map<string, SharedClient>();
  readonly #byClient = new Map<SharedClient, Set<string>>();

  /** Remembers the elicitations that a message asks of a client. */
  note(client: SharedClient, message: JsonRpcMessage): void {
    for (const id of elicitationsIn(message)) this.#remember(client, id);
  }

  /** Tells the client that was asked; false when nobody was. */
  complete(envelope: Envelope, { params }: JsonRpcNotification): boolean {
    const id = params?.elicitationId;
    const client = typeof id === "string" ? this.#asked.get(id) : undefined;
    client?.deliver({ ...envelope });
    return client !== undefined;
  }

  leave(client: SharedClient): void {
    for (const id of this.#byClient.get(client) ?? []) this.#asked.delete(id);
    this.#byClient.delete(client);
  }

  #remember(client: SharedClient, id: string): void {
    this.#forget(id);
    this.#asked.set(id, client);
    const own = this.#byClient.get(client);
    if (own) own.add(id);
    else this.#byClient.set(client, new Set([id]));
    const [oldest] = this.#asked.keys();
    if (oldest !== undefined && this.#asked.size > MAX_REMEMBERED) this.#forget(oldest);
  }

  #forget(id: string): void {
    const client = this.#asked.get(id);
    this.#asked.delete(id);
    if (client) this.#byClient.get(client)?.delete(id);
  }
}

function elicitationsIn(message: JsonRpcMessage): string[] {
  if ("method" in message) {
    return message.method === Method.elicit ? idsOf([message.params]) : [];
  }
  if (!("error" in message) || message.error.code !== URL_ELICITATION_REQUIRED) return [];
  const { data } = message.error;
  const listed = typeof data === "object" && data !== null && "elicitations" in data ? data.elicitations : [];
  return Array.isArray(listed) ? idsOf(listed) : [];
}

function idsOf(elicitations: readonly unknown[]): string[] {
  return elicitations.flatMap((one) => {
    const named = typeof one === "object" && one !== null && "elicitationId" in one;
    const id = named ? one.elicitationId : undefined;
    return typeof id === "string" && id.length <= MAX_ID_CHARS ? [id] : [];
  });
}
