/** A client that can do whatever its era can, the same whichever line of the SDK it is and whichever wire it comes by. */
import { StdioClientTransport as V2Stdio } from "@modelcontextprotocol/client/stdio";
// @ts-types="@modelcontextprotocol/sdk/client/stdio"
import { StdioClientTransport as V1Stdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  Client,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  Inbox,
  ListRootsRequestSchema,
  ProgressNotificationSchema,
  transportTo,
  v2,
  type Wire,
} from "./clients.ts";
import { commandLine, environment, type Keystone, type StartOptions } from "./keystone.ts";

export const ROOT = { uri: "file:///home/ada", name: "Home" };
const SAMPLED = {
  role: "assistant" as const,
  model: "a-model",
  content: { type: "text" as const, text: "Once" },
};
const INFO = { name: "keystone-test", version: "1.0.0" };
const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } };
const LOG_LEVEL = "io.modelcontextprotocol/logLevel";

/** Each a client as users have it. */
export const SDK_CLIENTS = ["v1", "v2 legacy", "v2 auto", "v2 pinned"] as const;
export type SdkClient = typeof SDK_CLIENTS[number];

/** Where a gateway is: behind a wire of its own process, or a process that the client starts. */
export type Door =
  | { readonly gateway: Keystone; readonly wire: Wire }
  | { readonly flags: readonly string[]; readonly start: StartOptions };

interface CallOptions {
  signal?: AbortSignal;
  /** Told of all progress, also of what comes with the answer, which the SDK's own way loses. */
  onProgress?: (progress: number) => void;
}

/** As a notification has it. */
interface Progress {
  progressToken: string | number;
  progress: number;
}

export interface Result {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
}

/** The text of a result, where it has several of one of them. */
export function textOf({ content }: Result, at = 0): string {
  return content[at]?.text ?? "";
}

export class EraUser implements AsyncDisposable {
  readonly client: Client | v2.Client;
  /** What it was told outside of what it asked for. */
  readonly inbox = new Inbox();
  /** The methods that it was asked, in order. */
  readonly asked: string[] = [];
  /** What broke at the client itself. */
  readonly errors: Error[] = [];
  /** The gateway's own words, where the client has started it. */
  stderr = "";
  #subscription: v2.McpSubscription | undefined;
  /** Who is told of the progress of a call, by its token. */
  readonly #told = new Map<string | number, (progress: number) => void>();

  private constructor(client: Client | v2.Client) {
    this.client = client;
    client.fallbackNotificationHandler = (notification) => Promise.resolve(this.inbox.add(notification));
    client.onerror = (error) => this.errors.push(error);
  }

  /** Whoever has started the gateway ends it with its disposal. */
  static async connect(kind: SdkClient, door: Door): Promise<EraUser> {
    return kind === "v1" ? await connectV1(door) : await connectV2(kind, door);
  }

  static v1(client: Client): EraUser {
    const user = new EraUser(client);
    const was = (method: string) => void user.asked.push(method);
    client.setRequestHandler(CreateMessageRequestSchema, () => (was("sampling/createMessage"), SAMPLED));
    client.setRequestHandler(ElicitRequestSchema, () => (was("elicitation/create"), ACCEPTED));
    client.setRequestHandler(ListRootsRequestSchema, () => (was("roots/list"), { roots: [ROOT] }));
    client.setNotificationHandler(ProgressNotificationSchema, ({ params }) => user.#hear(params));
    return user;
  }

  static v2(client: v2.Client): EraUser {
    const user = new EraUser(client);
    const was = (method: string) => void user.asked.push(method);
    client.setRequestHandler("sampling/createMessage", () => (was("sampling/createMessage"), SAMPLED));
    client.setRequestHandler("elicitation/create", () => (was("elicitation/create"), ACCEPTED));
    client.setRequestHandler("roots/list", () => (was("roots/list"), { roots: [ROOT] }));
    client.setNotificationHandler("notifications/progress", ({ params }) => user.#hear(params));
    return user;
  }

  /** That it speaks now. */
  get era(): "legacy" | "modern" {
    return this.client instanceof v2.Client ? this.client.getProtocolEra() ?? "legacy" : "legacy";
  }

  async call(name: string, args: Record<string, unknown> = {}, options: CallOptions = {}): Promise<Result> {
    const { onProgress, ...rest } = options;
    if (!onProgress) return await this.#call({ name, arguments: args }, rest);
    const progressToken = `call ${this.#told.size}`;
    this.#told.set(progressToken, onProgress);
    return await this.#call({ name, arguments: args, _meta: { progressToken } }, rest);
  }

  /** Calls a tool, and wants to hear of everything that it logs. */
  async callAloud(name: string, args: Record<string, unknown> = {}): Promise<Result> {
    if (this.era === "legacy") await this.client.setLoggingLevel("debug");
    const meta = this.era === "modern" && { _meta: { [LOG_LEVEL]: "debug" } };
    return await this.#call({ name, arguments: args, ...meta }, {});
  }

  /** From then on it hears of changes of the lists and of this resource. */
  async watch(uri: string): Promise<void> {
    if (this.client instanceof Client || this.era === "legacy") {
      await this.client.subscribeResource({ uri });
    } else {
      const lists = { toolsListChanged: true, resourcesListChanged: true };
      this.#subscription = await this.client.listen({ ...lists, resourceSubscriptions: [uri] });
    }
  }

  /** What of it is watched, as the server says; a legacy one does not say it. */
  get honoured(): v2.McpSubscription["honoredFilter"] | undefined {
    return this.#subscription?.honoredFilter;
  }

  async unwatch(uri: string): Promise<void> {
    if (this.#subscription) await this.#subscription.close();
    else await this.client.unsubscribeResource({ uri });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = Promise.withResolvers<void>();
    const { transport } = this.client;
    this.client.onclose = () => gone.resolve();
    if (transport && "terminateSession" in transport && typeof transport.terminateSession === "function") {
      await transport.terminateSession();
    }
    await this.client.close();
    await gone.promise;
  }

  #hear({ progressToken, progress }: Progress): void {
    this.#told.get(progressToken)?.(progress);
  }

  async #call(params: Params, options: { signal?: AbortSignal }): Promise<Result> {
    const result = this.client instanceof v2.Client
      ? await this.client.callTool(params, options)
      : await this.client.callTool(params, undefined, options);
    return result as Result;
  }
}

interface Params {
  name: string;
  arguments: Record<string, unknown>;
  _meta?: Record<string, unknown>;
}

const ACCEPTED = { action: "accept" as const, content: { name: "Ada" } };

async function connectV1(door: Door): Promise<EraUser> {
  const client = new Client(INFO, { capabilities: CAPABILITIES });
  const user = EraUser.v1(client);
  if ("gateway" in door) await client.connect(transportTo(door.gateway, door.wire));
  else await client.connect(overhearing(user, new V1Stdio(command(door.flags, door.start))));
  return user;
}

const MODES = { "v2 legacy": "legacy", "v2 auto": "auto", "v2 pinned": { pin: "2026-07-28" } } as const;

async function connectV2(kind: keyof typeof MODES, door: Door): Promise<EraUser> {
  const versionNegotiation = { mode: MODES[kind] };
  const client = new v2.Client(INFO, { capabilities: CAPABILITIES, versionNegotiation });
  const user = EraUser.v2(client);
  if ("gateway" in door) await client.connect(v2TransportTo(door.gateway, door.wire));
  else await client.connect(overhearing(user, new V2Stdio(command(door.flags, door.start))));
  return user;
}

function v2TransportTo(gateway: Keystone, wire: Wire): v2.Transport {
  switch (wire) {
    case "Streamable HTTP":
      return new v2.StreamableHTTPClientTransport(new URL(gateway.mcp));
    case "SSE":
      return new v2.SSEClientTransport(new URL(gateway.sse));
    case "WebSocket":
      // This line of the SDK has none of its own; what a transport is to do is the same in both.
      return transportTo(gateway, wire) as v2.Transport;
  }
}

function command(flags: readonly string[], start: StartOptions) {
  const env = { ...Deno.env.toObject(), ...environment(start) };
  return { command: Deno.execPath(), args: commandLine(flags, start), env, stderr: "pipe" as const };
}

function overhearing<T extends V1Stdio | V2Stdio>(user: EraUser, transport: T): T {
  const decoder = new TextDecoder();
  transport.stderr?.on("data", (chunk: Uint8Array) => {
    user.stderr += decoder.decode(chunk, { stream: true });
  });
  return transport;
}
