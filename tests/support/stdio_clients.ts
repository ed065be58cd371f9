/** Both lines of the SDK with a gateway that they start themselves, as clients do that can only spawn a command. */
import * as v2 from "@modelcontextprotocol/client";
import { StdioClientTransport as V2Transport } from "@modelcontextprotocol/client/stdio";
import { Client, type ClientOptions } from "@modelcontextprotocol/sdk/client";
// @ts-types="@modelcontextprotocol/sdk/client/stdio"
import { StdioClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { commandLine, type StartOptions } from "./keystone.ts";

const INFO = { name: "keystone-test", version: "1.0.0" };

/** Disposal closes the gateway's stdin; after two seconds the SDK would send a signal. */
interface Spawned<C> extends AsyncDisposable {
  readonly client: C;
  /** Of the gateway. */
  readonly pid: number;
  /** Everything on the gateway's stderr so far. */
  stderr(): string;
}

/** How the gateway is started, and what the client is. */
interface SpawnOptions<C, O> extends StartOptions {
  /** Gives the client its handlers, before it is connected. */
  prepare?: (client: C) => void;
  client?: O;
}

/** The v1 client over its `StdioClientTransport`. */
export async function spawnV1(
  flags: readonly string[],
  options: SpawnOptions<Client, ClientOptions> = {},
): Promise<Spawned<Client>> {
  const client = new Client(INFO, options.client);
  const transport = new V1Transport(command(flags, options));
  options.prepare?.(client);
  return await spawned(client, transport, () => client.connect(transport));
}

/** The v2 client over its `StdioClientTransport`. */
export async function spawnV2(
  flags: readonly string[],
  options: SpawnOptions<v2.Client, v2.ClientOptions> = {},
): Promise<Spawned<v2.Client>> {
  const client = new v2.Client(INFO, options.client);
  const transport = new V2Transport(command(flags, options));
  options.prepare?.(client);
  return await spawned(client, transport, () => client.connect(transport));
}

function command(flags: readonly string[], options: StartOptions) {
  const env = { ...Deno.env.toObject(), NO_COLOR: "1", ...options.env };
  return { command: Deno.execPath(), args: commandLine(flags, options), env, stderr: "pipe" as const };
}

async function spawned<C extends Client | v2.Client>(
  client: C,
  transport: V1Transport | V2Transport,
  connect: () => Promise<void>,
): Promise<Spawned<C>> {
  const decoder = new TextDecoder();
  let stderr = "";
  transport.stderr?.on("data", (chunk: Uint8Array) => stderr += decoder.decode(chunk, { stream: true }));
  try {
    await connect();
  } catch (cause) {
    await client.close();
    throw new Error(`The gateway did not take the handshake:\n${stderr}`, { cause });
  }
  return {
    client,
    pid: transport.pid!,
    stderr: () => stderr,
    [Symbol.asyncDispose]: () => client.close(),
  };
}
