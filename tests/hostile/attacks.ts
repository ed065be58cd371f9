/** The kinds of attack that are mixed: one entry each, over in a moment, and begun again and again. */
import type { FrameParts } from "../support/frames.ts";
import type { Keystone } from "../support/keystone.ts";
import type { Random } from "../support/random.ts";
import { rawRequest, sendRaw } from "../support/raw_http.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { openEventStream } from "../support/raw_stream.ts";
import { ACCEPT, beginSession, callTool, initialize, post, request } from "../support/rpc.ts";
import { BODIES, HEADS } from "./corpus.ts";

export interface Attack {
  readonly name: string;
  /** Rejects where the gateway defends itself by a closed connection, which is as good as an answer. */
  run(gateway: Keystone, random: Random, signal: AbortSignal): Promise<void>;
}

/** So long a client that holds something up holds it. */
const HOLD_MS = 500;
const [CONTINUATION, TEXT] = [0, 1];
const POST = { "Content-Type": "application/json", Accept: ACCEPT };

export const ATTACKS: readonly Attack[] = [
  {
    name: "a body that is hard to parse",
    async run({ mcp }, random, signal) {
      const session = random.chance(0.5) ? await beginSession(mcp) : undefined;
      await discard(post(mcp, random.pick(BODIES).body(), { session, signal }));
    },
  },
  {
    name: "a frame that is hard to parse",
    async run({ ws }, random) {
      using socket = await RawSocket.open(ws);
      await sendText(socket, random.pick(BODIES).body());
    },
  },
  {
    name: "a head that is hard to read",
    async run({ port }, random) {
      (await rawRequest(port, random.pick(HEADS)))[Symbol.dispose]();
    },
  },
  {
    name: "half a head",
    async run({ port }, random, signal) {
      const head = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nX-Slow: ";
      await heldOpen(port, head.slice(0, 1 + random.below(head.length)), signal);
    },
  },
  {
    name: "half a body",
    async run({ port }, random, signal) {
      const headers = { ...POST, "Content-Length": `${1 + random.below(4_000_000)}` };
      const connection = await sendRaw(port, { method: "POST", path: "/mcp", headers, body: "{" });
      await held(connection, signal);
    },
  },
  {
    name: "noise on a connection",
    async run({ port }, random, signal) {
      const noise = Array.from({ length: 2_000 }, () => String.fromCharCode(random.below(128))).join("");
      await heldOpen(port, noise, signal);
    },
  },
  {
    name: "frames of noise",
    async run({ ws }, random) {
      using socket = await RawSocket.open(ws);
      for (let frame = 0; frame < 20; frame++) {
        await sendText(
          socket,
          random.pick(["", "null", "[]", "{", '{"jsonrpc":"2.0"}', "\0", '"x"', "[[]]"]),
        );
      }
    },
  },
  {
    name: "fragments without an end",
    async run({ ws }) {
      using socket = await RawSocket.open(ws);
      const payload = "x".repeat(500_000);
      // Each is fine by itself, and the last ones are beyond what a message may have.
      for (let opcode = TEXT, count = 0; count < 12; count++, opcode = CONTINUATION) {
        await sendFrame(socket, { opcode, payload, final: false });
      }
    },
  },
  {
    name: "a frame that announces more than there may be",
    async run({ ws }) {
      using socket = await RawSocket.open(ws);
      await sendFrame(socket, { opcode: TEXT, payload: "x", length: 63_000_000 });
    },
  },
  {
    name: "refusals that nobody reads",
    async run({ ws }) {
      using socket = await RawSocket.open(ws);
      const id = "x".repeat(1_000);
      for (let count = 0; count < 200; count++) await sendText(socket, `{"jsonrpc":"2.0","id":"${id}"}`);
      await sendText(socket, JSON.stringify(Array(100).fill(request(1, "ping"))));
    },
  },
  {
    name: "subscriptions to long names",
    async run({ mcp }, random, signal) {
      const session = await beginSession(mcp);
      for (let id = 1; id < 20; id++) {
        const uri = `a:${random.next()}${"/".repeat(random.pick([1, 8_000, 200_000]))}`;
        await discard(post(mcp, request(id, "resources/subscribe", { uri }), { session, signal }));
      }
    },
  },
  {
    name: "an event stream that nobody reads",
    async run(gateway, _random, signal) {
      const { stream, endpoint } = await openEventStream(gateway);
      using _ = stream;
      await discard(post(endpoint, initialize(), { signal }));
      for (let id = 1; id < 20; id++) {
        await discard(post(endpoint, callTool(id, "echo", { fill: "x".repeat(50_000) }), { signal }));
      }
    },
  },
  {
    name: "clients that vanish from their calls",
    async run({ mcp }, random) {
      const session = await beginSession(mcp);
      const call = new AbortController();
      const answered = post(mcp, callTool(1, random.pick(["hang", "begin"]), {}, { progressToken: 1 }), {
        session,
        signal: call.signal,
      });
      await post(mcp, callTool(2, "echo"), { session }).then((response) => response.text());
      call.abort();
      // What it gets is an error by then, whether or not the answer had begun.
      await answered.then((response) => response.body?.cancel()).catch(() => {});
    },
  },
  {
    name: "a server that is made to break off",
    async run({ mcp }, random, signal) {
      const session = await beginSession(mcp);
      const [tool, args] = random.pick(
        [
          ["exit", { code: 3 }],
          ["close_stdin", {}],
          ["flood", { bytes: 20_000_000 }],
          ["answer_twice", {}],
          ["answer_unasked", { id: 1 }],
          ["write", { text: `{"jsonrpc":"2.0","id":7,"result":${"[".repeat(5_000)}` }],
          ["write", { text: "x".repeat(100_000) }],
        ] as const,
      );
      await discard(post(mcp, callTool(7, tool, args), { session, signal }));
      await discard(fetch(mcp, { method: "DELETE", headers: { "Mcp-Session-Id": session }, signal }));
    },
  },
  {
    name: "ids, tokens and cancellations of others",
    async run({ ws }) {
      using socket = await RawSocket.open(ws);
      await sendText(socket, JSON.stringify(initialize()));
      for (const id of [1, "1", 2, 3]) {
        for (const params of [{ requestId: id }, { progressToken: id, progress: 1 }]) {
          const method = "requestId" in params ? "notifications/cancelled" : "notifications/progress";
          await sendText(socket, JSON.stringify({ jsonrpc: "2.0", method, params }));
        }
        await sendText(socket, JSON.stringify({ jsonrpc: "2.0", id, result: { forged: true } }));
        await sendText(
          socket,
          `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"ID":99,"Id":98,"method":"ping"}`,
        );
      }
    },
  },
  {
    name: "sessions of others",
    async run({ mcp }, random) {
      const session = random.pick([crypto.randomUUID(), "1", "../..", "null", "__proto__"]);
      for (const method of ["POST", "GET", "DELETE"]) {
        const headers = { ...POST, "Mcp-Session-Id": session, "Last-Event-ID": "0.0-0" };
        const body = method === "POST" ? { body: JSON.stringify(request(1, "ping")) } : {};
        await discard(fetch(mcp, { method, headers, ...body }));
      }
    },
  },
  {
    name: "connections that say nothing",
    async run({ port }, _random, signal) {
      await Promise.all(Array.from({ length: 20 }, () => heldOpen(port, "", signal)));
    },
  },
  {
    name: "notifications of many names",
    async run({ ws }, random) {
      using socket = await RawSocket.open(ws);
      await sendText(socket, JSON.stringify(initialize()));
      for (let count = 0; count < 100; count++) {
        await sendText(socket, JSON.stringify({ jsonrpc: "2.0", method: `notifications/${random.next()}` }));
      }
    },
  },
];

/** Rejects when the gateway takes no more. */
async function sendText(socket: RawSocket, payload: string): Promise<void> {
  await sendFrame(socket, { opcode: TEXT, payload });
}

async function sendFrame(socket: RawSocket, parts: FrameParts): Promise<void> {
  if (!await socket.sendFrame(parts)) throw new Error("The connection was closed");
}

async function heldOpen(port: number, text: string, signal: AbortSignal): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  if (text !== "") await connection.write(new TextEncoder().encode(text));
  await held(connection, signal);
}

async function held(connection: Deno.Conn, signal: AbortSignal): Promise<void> {
  using _ = connection;
  await pause(HOLD_MS, signal);
}

/** Shorter where the signal says so. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => resolve();
  signal.addEventListener("abort", stop);
  if (signal.aborted) resolve();
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
}

async function discard(answered: Promise<Response>): Promise<void> {
  await (await answered).body?.cancel();
}
