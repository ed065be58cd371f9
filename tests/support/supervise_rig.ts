/** A supervised channel between a client and servers that the test plays. */
import assert from "node:assert/strict";
import { supervise, type SupervisedChannel, type SuperviseOptions } from "../../src/adapters/supervise.ts";
import type { Backlog } from "../../src/core/backlog.ts";
import type { JsonRpcMessage } from "../../src/core/message/jsonrpc.ts";
import { FakeBackend, type FakeServer, LAUNCH } from "./fake_backend.ts";
import { FarEnd } from "./far_end.ts";
import { REMEMBERED } from "./limits.ts";
import { notification, request } from "./messages.ts";
import { type Recorder, recorder } from "./recorder.ts";

interface SuperviseRig extends Recorder, AsyncDisposable {
  readonly channel: SupervisedChannel;
  /** Reads what the client hears, and speaks for it. */
  readonly client: FarEnd;
  readonly backend: FakeBackend;
  /** What observers were told about the remote. */
  troubles(): string[];
}

export type RigOptions = Partial<SuperviseOptions> & { backend?: FakeBackend; backlog?: Backlog };

/** Pauses are short, but there are some. No connection lasts for the longest one, after which it would count anew. */
const RETRY = { attempts: 3, firstDelayMs: 1, maxDelayMs: 600_000 };

export async function superviseRig({ backend = new FakeBackend(), backlog, ...options }: RigOptions = {}) {
  const record = recorder();
  const { emit } = record;
  const supervised = supervise(backend, {
    retry: RETRY,
    replayTimeoutMs: 10_000,
    maxBufferedBytes: 1 << 26,
    remembers: REMEMBERED,
    emit,
    ...options,
  });
  const channel = await supervised.open({ ...LAUNCH, backlog }, new AbortController().signal);
  return {
    ...record,
    channel,
    backend,
    client: new FarEnd(channel),
    troubles: () => record.told("server.trouble").map(({ reason }) => reason),
    async [Symbol.asyncDispose]() {
      await channel[Symbol.asyncDispose]();
      await supervised[Symbol.asyncDispose]();
    },
  } satisfies SuperviseRig;
}

export const INITIALIZE = request("init", "initialize", { protocolVersion: "2025-11-25" });
export const INITIALIZED = notification("notifications/initialized");

/** The client's handshake, done; gives the server that took it. */
export async function established({ client, backend }: SuperviseRig): Promise<FakeServer> {
  client.say(INITIALIZE);
  const server = await backend.next();
  await server.accept("initialize");
  await client.hear();
  client.say(INITIALIZED);
  await server.hear();
  return server;
}

/** The next server, once the handshake was played to it. */
export async function replayed(backend: FakeBackend): Promise<FakeServer> {
  const server = await backend.next();
  await server.accept("initialize");
  await server.hear();
  return server;
}

/** The next server, which has asked the client for its roots while the handshake is still played to it. */
export async function askedDuringReplay(rig: SuperviseRig): Promise<FakeServer> {
  const { client, backend } = rig;
  const first = await established(rig);
  client.say(request(1, "logging/setLevel", { level: "debug" }));
  await first.accept("logging/setLevel");
  await client.hear();
  await first.leave();
  const server = await replayed(backend);
  server.say(request("roots", "roots/list"));
  assert.deepEqual(await client.hear(), request("roots", "roots/list"));
  return server;
}

/** What a test may compare with, whatever its own ids. */
export function methodOf(message: JsonRpcMessage): string | undefined {
  return "method" in message ? message.method : undefined;
}
