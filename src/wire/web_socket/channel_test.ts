import assert from "node:assert/strict";
import { Backlog } from "../../core/backlog.ts";
import { BusyError, DisconnectedError, GatewayError } from "../../core/errors.ts";
import { FakeStream } from "../../../tests/support/fake_stream.ts";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { closing, frame, MASK, type ReadFrame, textOfFrame } from "../../../tests/support/frames.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { keepAlive, WebSocketChannel, type WebSocketChannelOptions } from "./channel.ts";

const [TEXT, BINARY, CLOSE, PING, PONG] = [1, 2, 8, 9, 10] as const;
const ANSWER = { jsonrpc: "2.0", id: null, error: { code: -32700, message: "no" } } as const;

/** A channel, and its far end as the test plays it. */
function rig(options: Partial<WebSocketChannelOptions> = {}) {
  const stream = new FakeStream();
  const invalid: GatewayError[] = [];
  const gone: DisconnectedError[] = [];
  const side = options.side ?? "server";
  const channel = new WebSocketChannel(stream, {
    side,
    maxBytes: 100,
    maxBufferedMessages: 2,
    maxBufferedBytes: 1 << 26,
    gone: "gone",
    onGone: (error) => void gone.push(error),
    onInvalid: (error) => {
      invalid.push(error);
      return undefined;
    },
    ...options,
  });
  const mask = side === "server" ? MASK : undefined;
  const receive = (opcode: number, payload: Uint8Array | string = "") =>
    stream.receive(frame({ opcode, payload, mask }));
  return { stream, channel, far: new FarEnd(channel), invalid, gone, receive };
}

/** What is written takes a turn, and what it brings about another one. */
async function written(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await settled();
}

function said(frames: readonly ReadFrame[]): unknown[] {
  return frames.map(({ opcode, payload }) => {
    if (opcode !== CLOSE) return textOfFrame({ payload });
    return [payload[0]! << 8 | payload[1]!, new TextDecoder().decode(payload.subarray(2))];
  });
}

Deno.test("WebSocketChannel carries one message a frame, as it came, and takes batches", async () => {
  const { stream, channel, far, receive } = rig();
  const text = '{ "jsonrpc":"2.0", "method":"a" }';
  receive(TEXT, text);
  assert.deepEqual(await far.next(), { message: notification("a"), text, relatesTo: undefined });
  receive(TEXT, JSON.stringify([request(1), notification("b")]));
  assert.deepEqual([await far.hear(), await far.hear()], [request(1), notification("b")]);
  void channel.send({ message: result(1), text: "as it came" });
  await written();
  assert.deepEqual(said(stream.frames), ["as it came"]);
  stream.end();
  await written();
});

Deno.test("WebSocketChannel tells of a frame that is no message, answers it where it is told how, and goes on", async () => {
  for (const answer of [ANSWER, undefined]) {
    const { stream, far, receive } = rig({ onInvalid: () => answer });
    receive(TEXT, "nonsense");
    receive(TEXT, JSON.stringify(notification()));
    assert.deepEqual(await far.hear(), notification());
    await written();
    assert.deepEqual(said(stream.frames), answer ? [JSON.stringify(answer)] : []);
    stream.end();
    await written();
  }
});

Deno.test("WebSocketChannel ends a peer that breaks a rule or a limit, and says why", async () => {
  const cases: [(peer: ReturnType<typeof rig>) => void, number, string, number][] = [
    [({ receive }) => receive(BINARY, "a"), 1003, "Binary frames are not supported", 0],
    [({ receive }) => receive(TEXT, "x".repeat(101)), 1009, "The limit is 100 bytes", 0],
    [({ receive }) => receive(TEXT, "ä".repeat(51)), 1009, "The limit is 100 bytes", 0],
    [({ receive }) => receive(TEXT, Uint8Array.of(0xff)), 1007, "A text is not valid UTF-8", 0],
    [({ receive }) => receive(3), 1002, "The opcode is unknown", 0],
    [
      ({ receive }) => "123".split("").forEach(() => receive(TEXT, JSON.stringify(notification()))),
      1013,
      "Too many messages wait",
      2,
    ],
  ];
  for (const [send, code, reason, taken] of cases) {
    for (const side of ["server", "client"] as const) {
      const peer = rig({ side });
      send(peer);
      await written();
      const { messages, error } = await peer.far.rest();
      assert.equal(messages.length, taken);
      assert(error instanceof DisconnectedError);
      assert.equal(error.message, reason);
      assert.deepEqual(said(peer.stream.frames), [[code, reason]]);
      assert.deepEqual(peer.gone, [error]);
      // What comes until it hangs up is thrown away, and does not reset the connection.
      peer.stream.receive(new Uint8Array(100_000));
      await written();
      assert.equal(peer.stream.closed, false);
      peer.stream.end();
      await written();
      assert.equal(peer.stream.closed, true);
    }
  }
});

Deno.test("WebSocketChannel breaks once when the peer is gone, after what it said", async () => {
  const ends: ((peer: ReturnType<typeof rig>) => void)[] = [
    ({ stream }) => stream.end(),
    ({ stream }) => stream.close(),
    ({ receive }) => receive(CLOSE),
    ({ receive }) => receive(CLOSE, closing(1001, "restarting")),
  ];
  for (const end of ends) {
    const peer = rig();
    peer.receive(TEXT, JSON.stringify(notification()));
    await written();
    end(peer);
    const { messages, error } = await peer.far.rest();
    assert.deepEqual(messages, [notification()]);
    assert(error instanceof DisconnectedError && error.message === "gone");
    assert.throws(() => peer.channel.send({ message: notification() }), DisconnectedError);
    await written();
    assert.deepEqual([peer.gone, peer.stream.closed], [[error], true]);
  }
});

Deno.test("WebSocketChannel answers the goodbye of its peer, and hangs up first if it is the server", async () => {
  for (const side of ["server", "client"] as const) {
    const { stream, channel, receive } = rig({ side });
    receive(CLOSE, closing(3000, "enough"));
    await written();
    assert.deepEqual(said(stream.frames), [[3000, ""]]);
    assert.equal(stream.closed, side === "server");
    if (side === "client") stream.end();
    await channel[Symbol.asyncDispose]();
    assert.equal(stream.closed, true);
  }
});

Deno.test("WebSocketChannel closes with the reason of an error, short enough for a frame, and a client with none", async () => {
  const why = new GatewayError("why ".repeat(100));
  const goodbyes = [
    ["server", why, [1011, `${"why ".repeat(30)}why`]],
    ["server", undefined, [1000, ""]],
    ["client", why, [1000, ""]],
  ] as const;
  for (const [side, reason, expected] of goodbyes) {
    const { stream, channel, receive, far } = rig({ side });
    await channel.close(reason);
    await channel.close();
    // It says no more, and still listens.
    receive(TEXT, JSON.stringify(notification()));
    assert.deepEqual(await far.hear(), notification());
    await written();
    receive(CLOSE, closing(1000));
    stream.end();
    await written();
    assert.deepEqual(said(stream.frames), [expected]);
    assert.equal(stream.closed, true);
  }
});

Deno.test("WebSocketChannel does not wait long for the goodbye of its peer", async () => {
  const { stream, channel, far } = rig();
  await channel[Symbol.asyncDispose]();
  assert.deepEqual(said(stream.frames), [[1000, ""]]);
  assert.equal(stream.closed, true);
  assert.deepEqual(await far.rest(), { messages: [], error: undefined });
});

Deno.test("WebSocketChannel answers pings, the newest of those that came together", async () => {
  const { stream, receive } = rig();
  for (let n = 0; n < 1000; n++) receive(PING, `${n}`);
  await written();
  const pongs = stream.frames.filter(({ opcode }) => opcode === PONG).map(textOfFrame);
  assert(pongs.length < 10, `${pongs.length} pongs`);
  assert.equal(pongs.at(-1), "999");
  stream.end();
  await written();
});

Deno.test("WebSocketChannel holds back its sender while its peer reads slowly, and lets it go when that is gone", async () => {
  for (const end of [(peer: FakeStream) => peer.resume(), (peer: FakeStream) => peer.end()]) {
    const { stream, channel } = rig();
    stream.stall();
    assert.equal(channel.send({ message: notification() }), undefined);
    let room = false;
    const sent = channel.send({ message: notification(), text: "x".repeat(2 ** 20) })?.then(() =>
      room = true
    );
    await written();
    assert.equal(room, false);
    end(stream);
    assert.equal(await sent, true);
    stream.end();
    await written();
  }
});

Deno.test("WebSocketChannel ends a peer that makes it answer and does not read the answers", async () => {
  const { stream, far, receive, gone } = rig({ maxBufferedBytes: 10_000, onInvalid: () => ANSWER });
  stream.stall();
  for (let n = 0; n < 200; n++) receive(TEXT, "nonsense");
  const { error } = await far.rest();
  assert(error instanceof DisconnectedError && error.message === "Too much waits that is not read");
  assert.deepEqual(gone, [error]);
  await written();
  const before = stream.written.length;
  for (let n = 0; n < 200; n++) receive(TEXT, "nonsense");
  await written();
  assert.equal(stream.written.length, before);
  stream.resume();
  await written();
  assert.deepEqual(said(stream.frames).at(-1), [1013, "Too much waits that is not read"]);
  stream.end();
  await written();
});

Deno.test("WebSocketChannel says pings as long as something comes, and gives up a peer that missed two", async () => {
  using pings = keepAlive(1 << 30);
  const { stream, channel, receive, gone } = rig({ keepAlive: pings });
  for (let times = 0; times < 5; times++) {
    channel.beat();
    receive(PONG);
    await written();
  }
  assert.deepEqual(stream.frames.map(({ opcode }) => opcode), [PING, PING, PING, PING, PING]);
  channel.beat();
  channel.beat();
  await written();
  assert.deepEqual([stream.closed, gone.length], [false, 0]);
  channel.beat();
  assert.deepEqual([stream.closed, gone.length], [true, 1]);
  await written();
});

Deno.test("WebSocketChannel takes nothing more while too much waits for the server, and answers requests then", async () => {
  const backlog = new Backlog(100);
  const refused: string[] = [];
  const onRefused = ({ message }: Error) => void refused.push(message);
  const { stream, far, receive } = rig({ backlog, onRefused });
  backlog.add(100);
  for (const message of [request(1), notification(), result(1)]) receive(TEXT, JSON.stringify(message));
  await written();
  const reason = "The server is too slow: 100 bytes wait for it, and the limit is 100 (--maxBufferedSize)";
  assert.deepEqual(stream.frames.map(textOfFrame).map((text) => JSON.parse(text)), [
    failure(1, reason, -32000),
  ]);
  assert.deepEqual(refused, [reason, reason]);
  backlog.remove(50);
  receive(TEXT, JSON.stringify(notification("later")));
  assert.deepEqual(await far.hear(), notification("later"));
  stream.end();
  await written();
});

Deno.test("WebSocketChannel counts what a server does not read for as long as that lasts", async () => {
  const backlog = new Backlog(Infinity);
  const { stream, channel } = rig({ side: "client", backlog });
  stream.stall();
  const message = notification("long", { text: "x".repeat(1 << 20) });
  const sent = channel.send({ message });
  assert.equal(backlog.size, JSON.stringify(message).length);
  stream.resume();
  await sent;
  assert.equal(backlog.size, 0);
  stream.end();
  await written();
});

Deno.test("WebSocketChannel accounts for what its peer does not read, and hangs up when that is too much", async () => {
  const owed: [number, number][] = [];
  let giveUp: (error: BusyError) => void = () => {};
  const { stream, channel, far, gone } = rig({
    account(hear) {
      giveUp = hear;
      return { owe: (messages: number, bytes: number) => void owed.push([messages, bytes]) };
    },
  });
  stream.stall();
  void channel.send({ message: notification(), text: "x".repeat(100) });
  await written();
  assert.deepEqual(owed.at(-1), [1, 164]);
  stream.resume();
  await written();
  assert.deepEqual(owed.at(-1), [0, 0]);
  stream.stall();
  const room = channel.send({ message: notification(), text: "x".repeat(2 ** 20) });
  void channel.send({ message: notification(), text: "y" });
  assert.deepEqual(owed.at(-1), [2, 2 ** 20 + 1 + 2 * 64]);
  await written();
  giveUp(new BusyError("too slow"));
  assert.deepEqual([stream.closed, owed.at(-1)], [true, [0, 0]]);
  await room;
  const { error } = await far.rest();
  assert(error instanceof DisconnectedError && error.message === "too slow");
  assert.deepEqual(gone, [error]);
});

Deno.test("WebSocketChannel asks for room for what comes in parts, gives it back, and ends a peer for which there is none", async () => {
  for (const way of ["complete", "no room", "too slow", "gone"] as const) {
    let held = 0;
    let fail: (error: GatewayError) => void = () => {};
    const { stream, far, gone } = rig({
      maxBytes: 100_000,
      arrival(hear) {
        fail = hear;
        return {
          take(bytes) {
            if (way === "no room" && held + bytes > 20_000) throw new BusyError("no room");
            held += bytes;
          },
          leave: () => void (held = 0),
        };
      },
    });
    const text = JSON.stringify(notification("long", { text: "x".repeat(60_000) }));
    const bytes = frame({ opcode: TEXT, payload: text, mask: MASK });
    stream.receive(bytes.slice(0, 30_000));
    await written();
    if (way === "no room") {
      assert.deepEqual([held, gone[0]?.message], [0, "no room"]);
    } else {
      assert(held >= 29_000 && held <= 100_000, `${held} bytes`);
      if (way === "complete") {
        stream.receive(bytes.slice(30_000));
        assert.equal((await far.next()).text, text);
      } else if (way === "too slow") {
        fail(new GatewayError("too slow"));
        assert.equal(gone[0]?.message, "too slow");
      }
    }
    stream.end();
    await written();
    assert.equal(held, 0);
  }
});
