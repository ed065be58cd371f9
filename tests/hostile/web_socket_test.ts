/** What a WebSocket's far end may send to fill our memory, whichever end that is. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { Bridge, QUICK_RETRY } from "../support/bridge.ts";
import { concat } from "../support/frames.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { memoryOf } from "../support/memory.ts";
import { RawSocket, rawSocketServer } from "../support/raw_socket.ts";
import { callTool, initialize, request } from "../support/rpc.ts";

const [CONTINUATION, TEXT, PING] = [0, 1, 9] as const;
const MIB = 1024 * 1024;
/** Far more than any limit, and than what is in the sockets between two processes. */
const FLOOD_BYTES = 256 * MIB;
const PIECE_BYTES = 256 * 1024;
/** A limit of 4 MiB, its text, and what the collector has not come to yet; without limits it would be the flood. */
const MAX_GROWTH = 128 * MIB;
const LINUX = Deno.build.os === "linux";

const FLAGS = ["--outputTransport", "ws,streamableHttp"];
const REMOTE_FLAGS = [
  ...QUICK_RETRY,
  "--retryAttempts",
  "0",
  "--shutdownTimeout",
  "100ms",
  "--maxMessageSize",
  "4m",
];

/** Each is a message that never ends, piece by piece. */
const ENDLESS: Readonly<Record<string, (socket: RawSocket) => Iterable<Uint8Array>>> = {
  "fragments without an end": function* (socket) {
    const payload = new Uint8Array(PIECE_BYTES).fill(0x78);
    yield socket.frame({ opcode: TEXT, payload, final: false });
    const more = socket.frame({ opcode: CONTINUATION, payload, final: false });
    for (let sent = 0; sent < FLOOD_BYTES; sent += more.length) yield more;
  },
  "fragments of a byte without an end": function* (socket) {
    yield socket.frame({ opcode: TEXT, payload: "x", final: false });
    const more = socket.frame({ opcode: CONTINUATION, payload: "x", final: false });
    const many = concat(...Array.from({ length: 10_000 }, () => more));
    // Until the limit of either side is passed.
    for (let sent = 0; sent < 6 * MIB; sent += many.length / more.length) yield many;
  },
  "frames of 63 MiB": function* (socket) {
    const payload = new Uint8Array(PIECE_BYTES).fill(0x78);
    const length = 63 * MIB;
    for (let sent = 0; sent < FLOOD_BYTES; sent += length) {
      yield socket.frame({ opcode: TEXT, length });
      for (let of = 0; of < length; of += payload.length) yield payload;
    }
  },
};

/** The code with which it was ended. */
async function flood(socket: RawSocket, pieces: Iterable<Uint8Array>): Promise<number | undefined> {
  const code = socket.closeCode();
  for (const piece of pieces) if (!await socket.send(piece)) break;
  return await inTime(code, "The end of the socket");
}

async function growthOf<T>(pid: number, run: () => Promise<T>): Promise<{ result: T; growth: number }> {
  const before = LINUX ? (await memoryOf(pid)).now : 0;
  const result = await run();
  return { result, growth: LINUX ? (await memoryOf(pid)).peak - before : 0 };
}

function assertSmall(growth: number): void {
  assert(growth < MAX_GROWTH, `It grew by ${Math.round(growth / MIB)} MiB`);
}

/** Somebody else is served. */
async function serves(gateway: Keystone): Promise<void> {
  using socket = await RawSocket.open(gateway.ws);
  const texts = socket.texts();
  await socket.sendFrame({ opcode: TEXT, payload: JSON.stringify(initialize(1)) });
  const { value } = await inTime(texts.next(), "The answer");
  assert.equal(JSON.parse(String(value)).result.serverInfo.name, "scripted");
}

for (const [what, pieces] of Object.entries(ENDLESS)) {
  Deno.test(`a WebSocket client that sends ${what} is ended with 1009 and fills nothing`, async () => {
    await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
    const { result, growth } = await growthOf(gateway.pid, async () => {
      using socket = await RawSocket.open(gateway.ws);
      return await flood(socket, pieces(socket));
    });
    assertSmall(growth);
    assert.equal(result, 1009);
    await serves(gateway);
  });

  Deno.test(`a remote WebSocket server that sends ${what} is left with 1009 and fills nothing`, async () => {
    const ended = Promise.withResolvers<number | undefined>();
    await using remote = rawSocketServer(async (socket) => {
      await socket.texts().next();
      ended.resolve(await flood(socket, pieces(socket)));
    });
    await using bridge = new Bridge(["--ws", `ws://127.0.0.1:${remote.port}/ws`, ...REMOTE_FLAGS]);
    await bridge.logged(/Gateway started/);
    const { result, growth } = await growthOf(bridge.pid, () => bridge.ask(initialize(1)));
    assert.match(result.error.message, /The limit is 4194304 bytes/);
    assertSmall(growth);
    assert.equal(await inTime(ended.promise, "The end of the socket"), 1009);
  });
}

Deno.test("a million empty fragments cost a WebSocket nothing, and the message arrives", async () => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  using socket = await RawSocket.open(gateway.ws);
  const { growth } = await growthOf(gateway.pid, async () => {
    const empty = socket.frame({ opcode: CONTINUATION, final: false });
    const many = concat(...Array.from({ length: 10_000 }, () => empty));
    await socket.sendFrame({ opcode: TEXT, final: false });
    for (let times = 0; times < 100; times++) await socket.send(many);
    const payload = JSON.stringify(initialize("late"));
    await socket.sendFrame({ opcode: CONTINUATION, payload });
    const { value } = await inTime(socket.texts().next(), "The answer");
    assert.equal(JSON.parse(String(value)).id, "late");
  });
  assertSmall(growth);
});

Deno.test("a WebSocket client that pings without end and reads nothing fills nothing, and others are served", async () => {
  await using gateway = await startKeystone(FLAGS, { server: SCRIPTED });
  using socket = await RawSocket.open(gateway.ws);
  const { growth } = await growthOf(gateway.pid, async () => {
    const ping = socket.frame({ opcode: PING, payload: "x".repeat(125) });
    const many = concat(...Array.from({ length: 2_000 }, () => ping));
    for (let sent = 0; sent < FLOOD_BYTES / 16; sent += many.length) await socket.send(many);
    await serves(gateway);
  });
  assertSmall(growth);
});

/** Each makes the gateway answer by itself, without any server. */
const ANSWERED = {
  "frames that are no message": "x",
  "batches of one id": JSON.stringify([request(1, "a"), request(1, "a"), request(1, "a")]),
  "calls of one id": JSON.stringify(callTool(1, "hang")),
};

for (const [what, payload] of Object.entries(ANSWERED)) {
  Deno.test(`a WebSocket client that sends ${what} and reads no answer is ended at --maxBufferedSize`, async () => {
    const flags = [...FLAGS, "--maxBufferedSize", "2m"];
    await using gateway = await startKeystone(flags, { server: SCRIPTED });
    const { growth } = await growthOf(gateway.pid, async () => {
      using socket = await RawSocket.open(gateway.ws);
      const one = socket.frame({ opcode: TEXT, payload });
      const many = concat(...Array.from({ length: 1_000 }, () => one));
      let over = false;
      const sent = (async () => {
        for (let times = 0; times < 1_000 && !over; times++) if (!await socket.send(many)) return;
      })();
      try {
        await inTime(
          gateway.logged(/Client dropped.*\(--maxBufferedMessages, --maxBufferedSize\)/),
          "Its end",
        );
      } finally {
        over = true;
        socket[Symbol.dispose]();
        await sent;
      }
    });
    assertSmall(growth);
    await serves(gateway);
  });
}

Deno.test("messages on their way over WebSocket are held within the budget of bodies, and have their time", async () => {
  const flags = [...FLAGS, "--maxBodiesInFlight", "24m", "--bodyTimeout", "3s"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED });
  using sockets = new DisposableStack();
  const { growth } = await growthOf(gateway.pid, async () => {
    const codes = await inTime(
      Promise.all(Array.from({ length: 20 }, async () => {
        const socket = sockets.use(await RawSocket.open(gateway.ws));
        const code = socket.closeCode();
        const payload = "x".repeat(3 * MIB);
        await socket.sendFrame({ opcode: TEXT, payload, final: false });
        return await code;
      })),
      "The end of all sockets",
    );
    assert.deepEqual(new Set(codes), new Set([1013]));
  });
  assertSmall(growth);
  await serves(gateway);
});

Deno.test("answers that nobody reads over WebSocket are held within the budget of all, and the slowest goes first", async () => {
  const flags = [...FLAGS, "--maxUnreadSize", "32m", "--children", "shared"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED });
  using sockets = new DisposableStack();
  for (let count = 0; count < 12; count++) {
    const socket = sockets.use(await RawSocket.open(gateway.ws));
    const payload = JSON.stringify(callTool(1, "large", { bytes: 12 * MIB }));
    await socket.sendFrame({ opcode: TEXT, payload: JSON.stringify(initialize(0)) });
    await socket.sendFrame({ opcode: TEXT, payload });
  }
  const named = (pattern: RegExp) => [...gateway.stderr().matchAll(pattern)].map(([, session]) => session);
  const dropped = await eventually(
    () => Promise.resolve(named(/Client dropped.* session=(\S+) .*\(--maxUnreadSize\)/g)),
    ({ length }) => length > 8,
  );
  assert(named(/Session opened session=(\S+)/g).slice(0, 4).includes(dropped[0]));
  await serves(gateway);
});
