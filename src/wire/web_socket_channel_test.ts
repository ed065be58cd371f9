import assert from "node:assert/strict";
import { Backlog } from "../core/backlog.ts";
import { DisconnectedError, GatewayError } from "../core/errors.ts";
import { FarEnd, settled } from "../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../tests/support/messages.ts";
import { WebSocketChannel, type WebSocketChannelOptions } from "./web_socket_channel.ts";

/** A WebSocket that the test plays: nothing happens unless it says so. */
class FakeSocket extends EventTarget {
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  readonly sent: string[] = [];
  readonly closes: unknown[][] = [];

  send(text: string): void {
    this.sent.push(text);
  }

  close(...reason: unknown[]): void {
    this.closes.push(reason);
    this.readyState = WebSocket.CLOSING;
  }

  receive(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  gone(): void {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new Event("error"));
    this.dispatchEvent(new CloseEvent("close"));
    this.dispatchEvent(new CloseEvent("close"));
  }
}

function rig(options: Partial<WebSocketChannelOptions> = {}) {
  const socket = new FakeSocket();
  const invalid: GatewayError[] = [];
  const channel = new WebSocketChannel(socket as unknown as WebSocket, {
    side: "server",
    maxBytes: 100,
    maxBufferedMessages: 2,
    maxBufferedBytes: 1 << 26,
    gone: "gone",
    onInvalid: (error) => void invalid.push(error),
    ...options,
  });
  return { socket, channel, far: new FarEnd(channel), invalid };
}

Deno.test("WebSocketChannel carries one message a frame, as it came, and takes batches", async () => {
  const { socket, channel, far } = rig();
  const text = '{ "jsonrpc":"2.0", "method":"a" }';
  socket.receive(text);
  assert.deepEqual(await far.next(), { message: notification("a"), text, relatesTo: undefined });
  socket.receive(JSON.stringify([request(1), notification("b")]));
  assert.deepEqual([await far.hear(), await far.hear()], [request(1), notification("b")]);
  void channel.send({ message: result(1), text: "as it came" });
  assert.deepEqual(socket.sent, ["as it came"]);
});

Deno.test("WebSocketChannel tells of a frame that is no message, and goes on", async () => {
  const { socket, far, invalid } = rig();
  socket.receive("nonsense");
  socket.receive(JSON.stringify(notification()));
  assert.deepEqual(await far.hear(), notification());
  assert.deepEqual(invalid.map(({ code }) => code), [-32700]);
});

Deno.test("WebSocketChannel ends a peer that sends what is too much, and says why", async () => {
  const cases: [(socket: FakeSocket) => void, number, string, number][] = [
    [(socket) => socket.receive(new Uint8Array(1)), 1003, "Binary frames are not supported", 0],
    [(socket) => socket.receive("x".repeat(101)), 1009, "The limit is 100 bytes", 0],
    [(socket) => socket.receive("ä".repeat(51)), 1009, "The limit is 100 bytes", 0],
    [
      (socket) => "123".split("").forEach(() => socket.receive(JSON.stringify(notification()))),
      1013,
      "Too many messages wait",
      2,
    ],
  ];
  for (const [send, code, reason, taken] of cases) {
    const { socket, far } = rig();
    send(socket);
    assert.deepEqual(socket.closes, [[code, reason]]);
    const { messages, error } = await far.rest();
    assert.equal(messages.length, taken);
    assert(error instanceof DisconnectedError);
    assert.equal(error.message, reason);
  }
});

Deno.test("WebSocketChannel breaks once when the peer is gone, after what it said", async () => {
  const { socket, channel, far } = rig();
  socket.receive(JSON.stringify(notification()));
  socket.gone();
  const { messages, error } = await far.rest();
  assert.deepEqual(messages, [notification()]);
  assert(error instanceof DisconnectedError && error.message === "gone");
  assert.throws(() => channel.send({ message: notification() }), DisconnectedError);
});

Deno.test("WebSocketChannel closes with the reason of an error, short enough for a frame, and a client with none", async () => {
  const server = rig();
  await server.channel.close(new GatewayError("why ".repeat(100)));
  await server.channel.close();
  assert.deepEqual(server.socket.closes, [[1011, "why ".repeat(25)]]);
  const client = rig({ side: "client" });
  await client.channel.close(new GatewayError("why"));
  assert.deepEqual(client.socket.closes, [[]]);
  const orderly = rig();
  await orderly.channel[Symbol.asyncDispose]();
  assert.deepEqual(orderly.socket.closes, [[1000, ""]]);
  assert.deepEqual(await orderly.far.rest(), { messages: [], error: undefined });
});

Deno.test("WebSocketChannel gives up a socket that is not open yet", async () => {
  const { socket, channel } = rig();
  socket.readyState = WebSocket.CONNECTING;
  assert.throws(() => channel.send({ message: notification() }), DisconnectedError);
  await channel[Symbol.asyncDispose]();
  assert.deepEqual(socket.closes, [[]]);
});

Deno.test("WebSocketChannel holds back its sender while its peer reads slowly, and lets it go when that is gone", async () => {
  for (
    const catchUp of [
      (socket: FakeSocket) => socket.bufferedAmount = 0,
      (socket: FakeSocket) => socket.gone(),
    ]
  ) {
    const { socket, channel } = rig();
    assert.equal(channel.send({ message: notification() }), undefined);
    socket.bufferedAmount = 2 ** 20;
    let room = false;
    const sent = channel.send({ message: notification() })?.then(() => room = true);
    await settled();
    assert.equal(room, false);
    catchUp(socket);
    assert.equal(await sent, true);
  }
});

Deno.test("WebSocketChannel takes nothing more while too much waits for the server, and answers requests then", async () => {
  const backlog = new Backlog(100);
  const refused: string[] = [];
  const { socket, far } = rig({ backlog, onRefused: ({ message }) => void refused.push(message) });
  backlog.add(100);
  for (const message of [request(1), notification(), result(1)]) socket.receive(JSON.stringify(message));
  const reason = "The server is too slow: 100 bytes wait for it, and the limit is 100 (--maxBufferedSize)";
  assert.deepEqual(socket.sent.map((text) => JSON.parse(text)), [failure(1, reason, -32000)]);
  assert.deepEqual(refused, [reason, reason]);
  backlog.remove(50);
  socket.receive(JSON.stringify(notification("later")));
  assert.deepEqual(await far.hear(), notification("later"));
  assert.deepEqual(socket.closes, []);
});

Deno.test("WebSocketChannel counts what a server does not read for as long as that lasts", async () => {
  const backlog = new Backlog(Infinity);
  const { socket, channel } = rig({ side: "client", backlog });
  void channel.send({ message: notification() });
  assert.equal(backlog.size, 0);
  socket.bufferedAmount = 1 << 20;
  const sent = channel.send({ message: notification() });
  assert.equal(backlog.size, JSON.stringify(notification()).length);
  socket.bufferedAmount = 0;
  await sent;
  assert.equal(backlog.size, 0);
});
