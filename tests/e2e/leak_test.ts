/** However a client parts, its server ends: counted in the process table. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { connect, type Wire, WIRES } from "../support/clients.ts";
import { eventually, type Keystone, leapUntil, startKeystone } from "../support/keystone.ts";
import { running } from "../support/processes.ts";
import { SMALL } from "../support/small_server.ts";
import { rawRequest, upgradeRequest } from "../support/raw_http.ts";
import { openEventStream, RawStream } from "../support/raw_stream.ts";
import { answer, beginSession, callTool, initialize, post } from "../support/rpc.ts";

const SESSIONS = 50;
const PARTINGS = ["deleted", "closed", "vanished"] as const;

/** A session in use: the process that answers it, and how its client will part. */
interface Guest {
  readonly pid: number;
  part(): PromiseLike<void>;
  /** Whether the gateway is told; if not, only time shows that the client is gone. */
  readonly told: boolean;
}

Deno.test("gateway ends the server of each of 50 sessions, whether deleted, closed or vanished", async () => {
  // Time gives nobody up before the leap.
  const flags = ["--sessionTimeout", "30m", "--keepAlive", "10m", "--maxSessions", `${SESSIONS}`];
  await using keystone = await startKeystone(["--stateful", ...flags], {
    server: SMALL,
    leapMs: 30 * 60_000,
  });
  const guests = await Promise.all(Array.from({ length: SESSIONS }, (_, at) => {
    const wire = WIRES[at % 3]!;
    const parting = PARTINGS[Math.floor(at / 3) % 3]!;
    return parting === "vanished" ? arriveRaw(keystone, wire) : arrive(keystone, wire, parting);
  }));
  const pids = guests.map(({ pid }) => pid);
  assert.equal(new Set(pids).size, SESSIONS);
  assert.deepEqual((await keystone.children()).sort(), pids.sort());

  const parted = Promise.all(guests.map((guest) => guest.part()));
  const told = guests.filter((guest) => guest.told).map(({ pid }) => pid);
  await eventually(() => running(told), (left) => left.length === 0);
  await leapUntil(keystone, eventually(keystone.children, (left) => left.length === 0));
  await inTime(parted, "The end of all connections");

  // It still serves, and what is in use when it stops ends with it.
  const last = await arrive(keystone, "Streamable HTTP", "closed");
  assert.deepEqual(await keystone.children(), [last.pid]);
  assert.equal((await keystone.stop()).code, 0);
  assert.deepEqual(await running([...pids, last.pid]), []);
  await last.part();
});

async function arrive(keystone: Keystone, wire: Wire, parting: "deleted" | "closed"): Promise<Guest> {
  const user = await connect(keystone, wire);
  const { structuredContent } = await user.client.callTool({ name: "echo" });
  const { pid } = structuredContent as { pid: number };
  if (parting === "deleted") return { pid, told: true, part: () => user[Symbol.asyncDispose]() };
  return {
    pid,
    told: wire !== "Streamable HTTP",
    async part() {
      // In the middle of a call, for which it will not wait.
      const call = user.client.callTool({ name: "hang" });
      await Promise.all([assert.rejects(call), user.leave()]);
    },
  };
}

function arriveRaw(keystone: Keystone, wire: Wire): Promise<Guest> {
  switch (wire) {
    case "Streamable HTTP":
      return arriveByPosts(keystone);
    case "SSE":
      return arriveByStream(keystone);
    case "WebSocket":
      return arriveBySocket(keystone);
  }
}

/** Has no connection to lose: it simply never comes back. */
async function arriveByPosts({ mcp }: Keystone): Promise<Guest> {
  const session = await beginSession(mcp);
  const { result } = await answer(await post(mcp, callTool(1, "echo"), { session }));
  return { pid: result.structuredContent.pid, told: false, part: () => Promise.resolve() };
}

async function arriveByStream(keystone: Keystone): Promise<Guest> {
  const { stream, endpoint } = await openEventStream(keystone);
  for (const body of [initialize(), callTool(1, "echo")]) await (await post(endpoint, body)).text();
  const [, pid] = await stream.read(/"pid":(\d+)/);
  return { pid: Number(pid), told: true, part: () => Promise.resolve(stream[Symbol.dispose]()) };
}

async function arriveBySocket({ ws, port }: Keystone): Promise<Guest> {
  const socket = new RawStream(await rawRequest(port, upgradeRequest(new URL(ws).pathname)));
  for (const body of [initialize(), callTool(1, "echo")]) await socket.writeFrame(JSON.stringify(body));
  const [, pid] = await socket.read(/"pid":(\d+)/);
  return { pid: Number(pid), told: true, part: () => Promise.resolve(socket[Symbol.dispose]()) };
}
