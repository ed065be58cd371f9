/** A legacy client in memory, and a modern server that the test plays by hand. */
import assert from "node:assert/strict";
import { forLegacyClients, type LegacyClientOptions } from "../../src/adapters/era/for_legacy_clients.ts";
import type { Channel, Envelope } from "../../src/core/channel.ts";
import {
  isNotification,
  isRequest,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type Params,
  type RequestId,
} from "../../src/core/message/jsonrpc.ts";
import { parseMessage } from "../../src/core/message/parse.ts";
import { FakeBackend, type FakeServer, LAUNCH } from "./fake_backend.ts";
import { FarEnd } from "./far_end.ts";
import { notification, request, result } from "./messages.ts";
import { type Recorder, recorder } from "./recorder.ts";

export const CLIENT_INFO = { name: "old", version: "1.0.0" };
export const SERVER_INFO = { name: "new", version: "2.0.0" };
export const KEY = "io.modelcontextprotocol/";

interface Introduction {
  readonly revision?: string;
  /** Of the client. */
  readonly capabilities?: Params;
  /** Of the server. */
  readonly offers?: Params;
}

export interface LegacyClientRig extends Recorder, AsyncDisposable {
  readonly backend: FakeBackend;
  readonly channel: Channel;
  readonly client: FarEnd;
  readonly server: FakeServer;
  /** The next message at the server, which must be a request of this method. */
  asked(method: string): Promise<JsonRpcRequest>;
  /** The next message at the client or the server, which must be a notification of this method. */
  hears(end: "client" | "server", method: string): Promise<JsonRpcNotification>;
  /** Plays the handshake; gives what the client was answered. */
  introduce(introduction?: Introduction): Promise<unknown>;
}

export async function legacyClientRig(options: Partial<LegacyClientOptions> = {}): Promise<LegacyClientRig> {
  const record = recorder();
  const backend = new FakeBackend();
  const channel = await forLegacyClients(backend, { emit: record.emit, ...options })
    .open(LAUNCH, AbortSignal.timeout(60_000));
  const [client, server] = [new FarEnd(channel), await backend.next()];

  async function asked(method: string): Promise<JsonRpcRequest> {
    const message = await server.hear();
    assert(isRequest(message) && message.method === method, `${method}: ${JSON.stringify(message)}`);
    return message;
  }

  return {
    ...record,
    ...{ backend, channel, client, server, asked },
    [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
    async hears(end, method) {
      const message = await (end === "client" ? client : server).hear();
      assert(isNotification(message) && message.method === method, `${method}: ${JSON.stringify(message)}`);
      return message;
    },
    async introduce({ revision = "2025-11-25", capabilities = {}, offers = { tools: {} } } = {}) {
      const params = { protocolVersion: revision, capabilities, clientInfo: CLIENT_INFO };
      client.say(request("init", "initialize", params));
      const { id } = await asked("server/discover");
      server.say(result(id, discovered(offers)));
      const answer = await client.hear();
      assert("result" in answer && answer.id === "init", JSON.stringify(answer));
      client.say(notification("notifications/initialized"));
      return answer.result;
    },
  };
}

/** What a server of 2026-07-28 answers to `server/discover`. */
export function discovered(capabilities: Params, more: Params = {}): Params {
  return {
    resultType: "complete",
    supportedVersions: ["2026-07-28"],
    capabilities,
    ttlMs: 1_000,
    cacheScope: "public",
    _meta: { [`${KEY}serverInfo`]: SERVER_INFO },
    ...more,
  };
}

/** The request meta that this client's requests have. */
export function metaOfClient(capabilities: Params = {}, more: Params = {}): Params {
  return {
    [`${KEY}protocolVersion`]: "2026-07-28",
    [`${KEY}clientInfo`]: CLIENT_INFO,
    [`${KEY}clientCapabilities`]: capabilities,
    ...more,
  };
}

/** The same of a call of who has set no log level: it hears all. */
export function metaOfCall(capabilities: Params = {}): Params {
  return metaOfClient(capabilities, { [`${KEY}logLevel`]: "debug" });
}

/** A notification of a stream of changes. */
export function change(subscriptionId: RequestId, method: string, params: Params = {}): JsonRpcNotification {
  return notification(`notifications/${method}`, {
    ...params,
    _meta: { [`${KEY}subscriptionId`]: subscriptionId },
  });
}

export function acknowledged(id: RequestId, notifications: unknown): JsonRpcNotification {
  return change(id, "subscriptions/acknowledged", { notifications });
}

export function spelled(text: string): Envelope {
  return { message: parseMessage(text), text };
}
