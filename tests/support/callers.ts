/** A client that calls tools, the same whichever line of the SDK it is and whichever wire it comes by. */
import {
  type CallToolResult,
  CallToolResultSchema,
  Client,
  connect,
  connectV2,
  CreateMessageRequestSchema,
  ProgressNotificationSchema,
  type v2,
  type Wire,
} from "./clients.ts";
import type { Keystone, StartOptions } from "./keystone.ts";
import { spawnV1, spawnV2 } from "./stdio_clients.ts";
import { SAMPLED } from "./user.ts";

export type Sdk = "v1" | "v2";

export interface Progress {
  progress: number;
  total?: number | undefined;
  message?: string | undefined;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** Told of all progress, also of what comes with the answer, which the SDK's own way may lose. */
  onProgress?: (progress: Progress) => void;
}

/** It answers sampling requests with `SAMPLED`. Disposal ends its session in the wire's own polite way. */
export interface Caller extends AsyncDisposable {
  /** The name by which the server presents itself. */
  readonly server: string | undefined;
  tools(): Promise<string[]>;
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<CallToolResult>;
  /** Goes away without a word about the session. */
  leave(): Promise<void>;
}

/** A caller that has started the gateway itself. */
export interface SpawnedCaller extends Caller {
  /** Of the gateway. */
  readonly pid: number;
  stderr(): string;
}

const capabilities = { sampling: {} };

export async function callOver(keystone: Keystone, wire: Wire, sdk: Sdk): Promise<Caller> {
  const listeners: Listeners = new Map();
  const connected = sdk === "v1"
    ? await connect(keystone, wire, { capabilities, prepare: (client) => prepareV1(client, listeners) })
    : await connectV2(keystone, { capabilities, prepare: (client) => prepareV2(client, listeners) });
  return {
    ...methodsOf(connected.client, listeners),
    leave: connected.leave,
    [Symbol.asyncDispose]: () => connected[Symbol.asyncDispose](),
  };
}

export async function callByStdio(
  flags: readonly string[],
  sdk: Sdk,
  start: StartOptions,
): Promise<SpawnedCaller> {
  const listeners: Listeners = new Map();
  const options = { ...start, client: { capabilities } };
  const spawned = sdk === "v1"
    ? await spawnV1(flags, { ...options, prepare: (client) => prepareV1(client, listeners) })
    : await spawnV2(flags, { ...options, prepare: (client) => prepareV2(client, listeners) });
  const end = async () => await spawned[Symbol.asyncDispose]();
  return {
    ...methodsOf(spawned.client, listeners),
    pid: spawned.pid,
    stderr: spawned.stderr,
    leave: end,
    [Symbol.asyncDispose]: end,
  };
}

/** By progress token. */
type Listeners = Map<string, (progress: Progress) => void>;

function prepareV1(client: Client, listeners: Listeners): void {
  client.setRequestHandler(CreateMessageRequestSchema, () => SAMPLED);
  client.setNotificationHandler(ProgressNotificationSchema, ({ params }) => tell(listeners, params));
}

function prepareV2(client: v2.Client, listeners: Listeners): void {
  client.setRequestHandler("sampling/createMessage", () => SAMPLED);
  client.setNotificationHandler("notifications/progress", ({ params }) => tell(listeners, params));
}

function tell(listeners: Listeners, params: Progress & { progressToken: string | number }): void {
  const { progressToken, ...progress } = params;
  // A token of ours is a text; a number would be somebody else's.
  if (typeof progressToken === "string") listeners.get(progressToken)?.(progress);
}

function methodsOf(
  client: Client | v2.Client,
  listeners: Listeners,
): Pick<Caller, "server" | "tools" | "call"> {
  return {
    server: client.getServerVersion()?.name,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async call(name, args = {}, { onProgress, ...options } = {}) {
      const progressToken = `call ${listeners.size}`;
      if (onProgress) listeners.set(progressToken, onProgress);
      const params = { name, arguments: args, ...(onProgress && { _meta: { progressToken } }) };
      const result = client instanceof Client
        ? await client.callTool(params, CallToolResultSchema, options)
        : await client.callTool(params, options);
      return CallToolResultSchema.parse(result);
    },
  };
}
