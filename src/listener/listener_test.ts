import assert from "node:assert/strict";
import type { GatewayEvent } from "../core/events.ts";
import { RequestError } from "../core/errors.ts";
import { Listener, type Open } from "./listener.ts";

const LIMITS = {
  ...{ maxConnections: 10, maxConnectionsPerAddress: 10, headerTimeoutMs: 10_000, idleTimeoutMs: 10_000 },
  ...{ stallTimeoutMs: 10_000, maxWholeBytes: 1_000 },
  ...{ hostname: "127.0.0.1", port: 0, maxHeaderBytes: 1024 },
};
/** At once, and not for long. */
const reopening = { attempts: 3, firstDelayMs: 0, maxDelayMs: 0 };
const SERVICE = { request: () => new Response("here"), upgrade: () => undefined };

function listener(open?: Open) {
  const events: GatewayEvent[] = [];
  const emit = (event: GatewayEvent) => void events.push(event);
  const listening = new Listener({ ...LIMITS, service: SERVICE, emit, open, reopening });
  return { listening, types: () => events.map(({ type }) => type) };
}

async function ask(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: "close" } });
  return await response.text();
}

Deno.test("Listener listens again where its socket has ended by itself", async () => {
  let socket: Deno.TcpListener | undefined;
  const { listening, types } = listener((port) => socket = Deno.listen({ hostname: "127.0.0.1", port }));
  const { port } = listening.addr;
  assert.equal(await ask(port), "here");
  socket?.close();
  while (types().length === 0) await new Promise((resolve) => setTimeout(resolve));
  assert.equal(await ask(port), "here");
  assert.deepEqual(types(), ["listener.trouble", "listener.recovered"]);
  await listening.shutdown();
  await listening.ended;
});

Deno.test("Listener tells an address that may not connect so, and asks nobody else", async () => {
  const events: GatewayEvent[] = [];
  const emit = (event: GatewayEvent) => void events.push(event);
  const refuse = (address: string) => {
    throw new RequestError("no", { status: 403, logged: `${address} is denied` });
  };
  const service = { request: () => assert.fail(), upgrade: () => assert.fail() };
  const listening = new Listener({ ...LIMITS, service, emit, refuse });
  const response = await fetch(`http://127.0.0.1:${listening.addr.port}/`, {
    method: "POST",
    body: "x".repeat(9_000),
  });
  assert.deepEqual([response.status, (await response.json()).error.message], [403, "no"]);
  const reason = "127.0.0.1 is denied";
  assert.deepEqual(events, [{ type: "connection.refused", address: "127.0.0.1", reason }]);
  await listening.shutdown();
  await listening.ended;
});

Deno.test("Listener ends with the reason where it cannot listen again", async () => {
  const sockets: Deno.TcpListener[] = [];
  const { listening } = listener((port) => {
    if (sockets.length > 0) throw new Deno.errors.AddrInUse("somebody else has the port");
    const socket = Deno.listen({ hostname: "127.0.0.1", port });
    sockets.push(socket);
    return socket;
  });
  const ended = assert.rejects(listening.ended, /somebody else has the port/);
  sockets[0]?.close();
  await ended;
});

Deno.test("Listener.shutdown lets the answer that is under way arrive, on every kind of connection", async () => {
  const answers: PromiseWithResolvers<Response>[] = [];
  const service = {
    request: (request: Request) => {
      if (request.url.endsWith("/first")) return new Response("first");
      const answer = Promise.withResolvers<Response>();
      answers.push(answer);
      return answer.promise;
    },
    upgrade: () => undefined,
  };
  const listening = new Listener({ ...LIMITS, service, emit: () => {} });
  const base = `http://127.0.0.1:${listening.addr.port}`;
  using kept = Deno.createHttpClient({});
  await (await fetch(`${base}/first`, { client: kept })).text();
  const open = [
    fetch(`${base}/runtime`, { client: kept }),
    fetch(`${base}/ours`),
    fetch(`${base}/tunnel`, { method: "POST", body: new Blob(["x"]).stream() }),
  ];
  while (answers.length < open.length) await new Promise((resolve) => setTimeout(resolve));
  const over = listening.shutdown();
  for (const answer of answers) answer.resolve(new Response("late", { headers: { Connection: "close" } }));
  for (const response of open) assert.equal(await (await response).text(), "late");
  await over;
  await listening.ended;
});
