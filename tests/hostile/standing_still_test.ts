/**
 * Whatever a client sends at once, nobody else waits for it longer than a moment. What is measured is the time that the
 * thread computes, which is the same beside busy neighbours; what was uninterrupted of it cannot be more. To read four
 * megabytes and to hand them on takes its time for whatever they are, in turns of their own: this is taken off.
 */
import assert from "node:assert/strict";
import { openSocket, type SocketConversation } from "../support/conversation.ts";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { mainThreadMs, slowness } from "../support/processor_time.ts";
import { type RawRequest, rawRequest } from "../support/raw_http.ts";
import { initialize, post, request } from "../support/rpc.ts";
import { BODIES, HARMLESS, HEADS, type Input } from "./corpus.ts";

const LIMIT_MS = 100;
/** Where others share the memory, it is half as fast from one moment to the next. What is too slow takes several times as long. */
const NOISE = 1.5;
/** What is slow is slow each time; what a collection of garbage or a compilation fell into is not. */
const TRIES = 5;

type Send = () => Promise<unknown>;

/** The least of a few tries, in milliseconds of a machine like that of the limits. */
async function costOf(gateway: Keystone, send: Send, enough: number): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < TRIES && least > enough; round++) {
    const before = await mainThreadMs(gateway.pid);
    await send();
    const taken = await mainThreadMs(gateway.pid) - before;
    least = Math.min(least, taken / await slowness());
  }
  return least;
}

type Named = readonly [name: string, send: Send];

/** Sends each input alone, and tells which took too long. */
async function tooSlow(gateway: Keystone, harmless: Send, sends: Iterable<Named>): Promise<string[]> {
  const limit = (LIMIT_MS + await costOf(gateway, harmless, 0)) * NOISE;
  const slow: string[] = [];
  for (const [name, send] of sends) {
    const cost = await costOf(gateway, send, limit);
    if (cost > limit) slow.push(`${name}: ${Math.round(cost)} ms, and ${Math.round(limit)} ms are allowed`);
  }
  return slow;
}

function linuxTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os !== "linux", fn });
}

async function startShared(): Promise<Keystone> {
  const gateway = await startKeystone(["--children", "shared", "--logLevel", "warn"], { server: SCRIPTED });
  // Code is loaded and compiled by the first inputs: that is not their fault.
  for (let round = 0; round < 10; round++) await postOf(gateway, HARMLESS)();
  return gateway;
}

function postOf({ mcp }: Keystone, { body }: Input): Send {
  const text = body();
  return async () => await (await post(mcp, text)).text();
}

linuxTest("no body of a POST holds the gateway", async () => {
  await using gateway = await startShared();
  const sends = BODIES.values().map((input) => [input.name, postOf(gateway, input)] as const);
  assert.deepEqual(await tooSlow(gateway, postOf(gateway, HARMLESS), sends), []);
});

linuxTest("no frame of a WebSocket holds the gateway", async () => {
  await using gateway = await startShared();
  const sends = BODIES.values().map((input) => [input.name, frameOf(gateway, input)] as const);
  assert.deepEqual(await tooSlow(gateway, frameOf(gateway, HARMLESS), sends), []);
});

/** All that was said before a ping is done when that is answered. */
function frameOf(gateway: Keystone, { body }: Input): Send {
  const text = body();
  return async () => {
    await using client: SocketConversation = await openSocket(gateway);
    await client.send(initialize());
    await client.until(0);
    await client.send(text);
    await client.send(request("last", "ping"));
    await Promise.race([client.until("last"), client.ended]);
  };
}

linuxTest("no head of a request holds the gateway", async () => {
  await using gateway = await startShared();
  const harmless = headOf(gateway, { path: "/health" });
  const sends = HEADS.map(({ name, ...head }) => [name, headOf(gateway, head)] as const);
  assert.deepEqual(await tooSlow(gateway, harmless, sends), []);
});

function headOf({ port }: Keystone, head: RawRequest): Send {
  return async () => (await rawRequest(port, head))[Symbol.dispose]();
}
