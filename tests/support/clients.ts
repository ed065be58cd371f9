/**
 * The clients that users have: both lines of the SDK, the first over each of its wires.
 *
 * The v1 package maps `./x.js` to types at `./x.js.d.ts`, which do not exist: Deno then takes an import for `any`,
 * without a word. So each module's types are named here, once.
 *
 * @module
 */

import * as v2 from "@modelcontextprotocol/client";
import { Client, type ClientOptions } from "@modelcontextprotocol/sdk/client";
// @ts-types="@modelcontextprotocol/sdk/client/sse"
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
// @ts-types="@modelcontextprotocol/sdk/client/websocket"
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js";
import { inTime } from "../contract/deadline.ts";
import type { Keystone } from "./keystone.ts";

export { InMemoryTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
// @ts-types="@modelcontextprotocol/sdk/types"
export {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ErrorCode,
  ListRootsRequestSchema,
  McpError,
  ProgressNotificationSchema,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/sdk/types.js";
export type {
  CallToolResult,
  ClientCapabilities,
  CreateMessageRequest,
  CreateMessageResult,
  ElicitRequest,
  ElicitResult,
  Root,
} from "@modelcontextprotocol/sdk/types";
export type { RequestOptions } from "@modelcontextprotocol/sdk/shared/protocol";
export { Client, type ClientOptions, v2 };

export const WIRES = ["Streamable HTTP", "SSE", "WebSocket"] as const;
export type Wire = typeof WIRES[number];

const INFO = { name: "keystone-test", version: "1.0.0" };

type Urls = Pick<Keystone, "mcp" | "sse" | "ws">;

export interface Connected<C> extends AsyncDisposable {
  readonly client: C;
  /** The notifications that the client has no handler of its own for. */
  readonly inbox: Inbox;
  /** The session's id where the wire tells it. */
  readonly session: string | undefined;
  /** Goes away without a word about the session, as most clients do. */
  leave(): Promise<void>;
}

export interface ConnectOptions extends ClientOptions {
  /** Gives the client its handlers, before it is connected. */
  prepare?: (client: Client) => void;
  /** How long the handshake may take; the SDK's own limit unless told. */
  handshakeMs?: number;
}

/** The v1 client. Disposal ends its session in the wire's own polite way. */
export async function connect(
  keystone: Urls,
  wire: Wire,
  options: ConnectOptions = {},
): Promise<Connected<Client>> {
  const { prepare, handshakeMs, ...rest } = options;
  const client = new Client(INFO, rest);
  const transport = transportTo(keystone, wire);
  const inbox = new Inbox();
  client.fallbackNotificationHandler = (notification) => Promise.resolve(inbox.add(notification));
  const gone = new Promise<void>((resolve) => client.onclose = resolve);
  prepare?.(client);
  await client.connect(transport, handshakeMs === undefined ? {} : { timeout: handshakeMs });
  const leave = () => close(client, gone);
  return {
    client,
    inbox,
    get session() {
      return transport instanceof StreamableHTTPClientTransport ? transport.sessionId : undefined;
    },
    leave,
    async [Symbol.asyncDispose]() {
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
      await leave();
    },
  };
}

export function transportTo(keystone: Urls, wire: Wire) {
  switch (wire) {
    case "Streamable HTTP":
      return new StreamableHTTPClientTransport(new URL(keystone.mcp));
    case "SSE":
      return new SSEClientTransport(new URL(keystone.sse));
    case "WebSocket":
      return new WebSocketClientTransport(new URL(keystone.ws));
  }
}

interface ConnectV2Options extends v2.ClientOptions {
  prepare?: (client: v2.Client) => void;
}

/** The v2 client over Streamable HTTP. */
export async function connectV2(
  keystone: Urls,
  options: ConnectV2Options = {},
): Promise<Connected<v2.Client>> {
  const { prepare, ...rest } = options;
  const client = new v2.Client(INFO, rest);
  const transport = new v2.StreamableHTTPClientTransport(new URL(keystone.mcp));
  const inbox = new Inbox();
  client.fallbackNotificationHandler = (notification) => Promise.resolve(inbox.add(notification));
  const gone = new Promise<void>((resolve) => client.onclose = resolve);
  prepare?.(client);
  await client.connect(transport);
  const leave = () => close(client, gone);
  return {
    client,
    inbox,
    get session() {
      return transport.sessionId;
    },
    leave,
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await leave();
    },
  };
}

/** `close` of the WebSocket transport returns before the socket is closed. */
async function close(client: Client | v2.Client, gone: Promise<void>): Promise<void> {
  await client.close();
  await gone;
}

interface Notified {
  method: string;
  params?: Record<string, unknown> | undefined;
}

/** What a client was told, in order; whoever waits for something gets it, early or late. */
export class Inbox {
  readonly all: Notified[] = [];
  #changed = Promise.withResolvers<void>();

  add(notification: Notified): void {
    this.all.push(notification);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** The notifications of one method so far. */
  of(method: string): Notified[] {
    return this.all.filter((notification) => notification.method === method);
  }

  /** Settles when so many notifications of the method are there. */
  async waitFor(method: string, count = 1): Promise<Notified[]> {
    await inTime(this.#holds(method, count), `${count} of ${method}`);
    return this.of(method);
  }

  /** Settles when there is a notification of the method whose params are right. */
  async waitForOne(method: string, right: (params: Record<string, unknown>) => boolean): Promise<void> {
    const holds = async () => {
      while (!this.of(method).some(({ params }) => right(params ?? {}))) await this.#changed.promise;
    };
    await inTime(holds(), `The right one of ${method}`);
  }

  async #holds(method: string, count: number): Promise<void> {
    while (this.of(method).length < count) await this.#changed.promise;
  }
}
