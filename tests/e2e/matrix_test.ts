/** Each way to reach a server with each way for clients to come: the same promises in every cell. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import type { Caller, Progress } from "../support/callers.ts";
import { eventually } from "../support/keystone.ts";
import { type Column, COLUMNS, type Gate, ROWS, type Servers } from "../support/matrix.ts";
import { SAMPLED, textIn } from "../support/user.ts";

for (const row of ROWS) {
  Deno.test(`gateway serves a server that is reached by ${row.name}`, async (t) => {
    await using servers = await row.start();
    for (const column of COLUMNS) {
      await t.step(`to clients by ${column.name}`, async () => {
        await everythingWorks(column, servers);
        await cancellationArrives(column, servers);
      });
    }
  });
}

async function everythingWorks(column: Column, servers: Servers): Promise<void> {
  await inCell(column, servers, "everything", async (gate) => {
    for (const sdk of column.sdks) {
      await using caller = await gate.caller(sdk);
      assert.equal(caller.server, "mcp-servers/everything");
      const tools = await caller.tools();
      assert(tools.includes("echo"));
      await progressComes(caller);
      if (column.sessions) await samplingIsAnswered(caller);
      else await samplingIsNotOffered(caller, tools);
    }
  });
}

async function cancellationArrives(column: Column, servers: Servers): Promise<void> {
  await inCell(column, servers, "scripted", async (gate) => {
    for (const sdk of column.sdks) {
      await using caller = await gate.caller(sdk);
      if (column.sessions) {
        await callIsCancelled(caller);
      } else {
        await samplingIsRefused(caller);
        // Nothing tells to which request of whom a later POST could refer: a client cancels by going away.
        await callEndsWithItsClient(await gate.caller(sdk), caller);
      }
    }
  });
}

/** Opens a gateway for the cell, and sees to it that nothing is left: no process, and no session at the remote. */
async function inCell(
  column: Column,
  servers: Servers,
  which: "everything" | "scripted",
  use: (gate: Gate) => Promise<void>,
): Promise<void> {
  const begunBefore = servers.begun();
  const noneOpen = () => eventually(() => Promise.resolve(servers.open()), (open) => open.length === 0);
  await using gate = await column.open(servers[which]);
  try {
    await use(gate);
    // A session ends with its client; the one that stateless clients share ends with the gateway.
    if (column.sessions) await noneOpen();
    await gate.idle();
    await gate.end();
    await noneOpen();
  } catch (cause) {
    throw new Error(`With the ${which} server, and in the gateway's own words:\n${gate.stderr()}`, { cause });
  }
  if (servers[which].flags.length > 0) {
    assert(servers.begun() > begunBefore, "the remote has seen no session");
  }
}

async function progressComes(caller: Caller): Promise<void> {
  const told: Progress[] = [];
  const complete = Promise.withResolvers<void>();
  const result = await caller.call("trigger-long-running-operation", { duration: 0.2, steps: 4 }, {
    onProgress: (progress) => told.push(progress) === 4 && complete.resolve(),
  });
  assert.match(textIn(result), /completed. Duration: 0.2 seconds, Steps: 4.$/);
  await inTime(complete.promise, "All progress");
  assert.deepEqual(told, [1, 2, 3, 4].map((progress) => ({ progress, total: 4 })));
}

async function samplingIsAnswered(caller: Caller): Promise<void> {
  const result = await caller.call("trigger-sampling-request", { prompt: "Tell me a story", maxTokens: 7 });
  const text = textIn(result);
  assert.deepEqual(JSON.parse(text.slice(text.indexOf("\n"))), SAMPLED);
}

/** The gateway's own handshake has promised nothing on behalf of the clients. */
async function samplingIsNotOffered(caller: Caller, tools: string[]): Promise<void> {
  assert(!tools.includes("trigger-sampling-request"));
  const result = await caller.call("trigger-sampling-request", { prompt: "Tell me a story" });
  assert.equal(result.isError, true);
  assert.match(textIn(result), /Tool trigger-sampling-request not found/);
}

/** A server that asks all the same is told that there is nobody to ask. */
async function samplingIsRefused(caller: Caller): Promise<void> {
  const { structuredContent } = await caller.call("ask", { id: "s", method: "sampling/createMessage" });
  const message = '"sampling/createMessage" cannot be asked of a client without a session (--stateful)';
  assert.deepEqual(structuredContent?.reply, { jsonrpc: "2.0", id: "s", error: { code: -32601, message } });
}

async function callIsCancelled(caller: Caller): Promise<void> {
  const abort = new AbortController();
  const { call, begun } = begin(caller, abort.signal);
  const id = await begun;
  abort.abort("changed my mind");
  await assert.rejects(call, /changed my mind/);
  await serverHeard(caller, id);
}

async function callEndsWithItsClient(caller: Caller, other: Caller): Promise<void> {
  const { call, begun } = begin(caller);
  const id = await begun;
  await caller.leave();
  await assert.rejects(call);
  await serverHeard(other, id);
}

/** A call without an end; `begun` settles with the id under which the server is at work on it. */
function begin(caller: Caller, signal?: AbortSignal) {
  const begun = Promise.withResolvers<unknown>();
  const onProgress = ({ message = "" }: Progress) => begun.resolve(JSON.parse(message));
  const call = caller.call("begin", {}, { onProgress, ...(signal && { signal }) });
  // Looked at later: until then a rejection must not count as unhandled.
  call.catch(begun.reject);
  return { call, begun: inTime(begun.promise, "The server's progress") };
}

async function serverHeard(caller: Caller, id: unknown): Promise<void> {
  const cancelled = async () => (await caller.call("seen")).structuredContent?.cancelled as unknown[];
  await eventually(cancelled, (ids) => ids.includes(id));
}
