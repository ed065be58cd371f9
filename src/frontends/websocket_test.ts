import assert from "node:assert/strict";
import type { Peer } from "../core/backend.ts";
import { unbounded } from "../../tests/support/unbounded.ts";
import type { Channel } from "../core/channel.ts";
import { BusyError, RequestError } from "../core/errors.ts";
import { FakeStream } from "../../tests/support/fake_stream.ts";
import { FarEnd } from "../../tests/support/far_end.ts";
import { frame, MASK, textOfFrame } from "../../tests/support/frames.ts";
import { notification } from "../../tests/support/messages.ts";
import { nobody } from "../../tests/support/nobody.ts";
import { upgradeRequest } from "../../tests/support/raw_http.ts";
import { looseBodies, looseUnread } from "../../tests/support/waiting_limits.ts";
import { websocket, type WebSocketOptions } from "./websocket.ts";

function rig(options: Partial<WebSocketOptions> = {}) {
  const peers: Peer[] = [];
  const channels: Channel[] = [];
  let withdrawn = 0;
  const handler = websocket({
    accept(peer) {
      peers.push(peer);
      return {
        peer,
        backlog: unbounded(),
        run(channel) {
          channels.push(channel);
          return Promise.resolve();
        },
        withdraw: () => void withdrawn++,
      };
    },
    keepAliveMs: 60_000,
    maxBodyBytes: 1000,
    bodies: looseBodies(),
    unread: looseUnread(),
    maxBufferedMessages: 10,
    maxBufferedBytes: 10_000,
    emit: () => {},
    ...options,
  });
  return {
    handler: (request: Request) => handler(request, nobody()),
    ...{ peers, channels, withdrawn: () => withdrawn },
  };
}

function asking(fields: Readonly<Record<string, string | undefined>> = {}, method = "GET"): Request {
  const { headers } = upgradeRequest("/ws");
  const all = Object.entries({ ...headers, ...fields });
  const given = all.filter((field): field is [string, string] => field[1] !== undefined);
  return new Request("http://127.0.0.1/ws", { method, headers: given });
}

Deno.test("websocket answers a handshake as RFC 6455 has it, and agrees to mcp and to no extension", async () => {
  const { handler, peers } = rig();
  const answer = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    // The example of RFC 6455, section 1.3.
    "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  };
  const extensions = { "Sec-WebSocket-Extensions": "permessage-deflate" };
  assert.deepEqual((await handler(asking(extensions))).headers, answer);
  for (const offered of ["mcp", "other, mcp", "mcp,other"]) {
    const { headers } = await handler(asking({ "Sec-WebSocket-Protocol": offered }));
    assert.deepEqual(headers, { ...answer, "Sec-WebSocket-Protocol": "mcp" });
  }
  for (const offered of ["other", "MCP", ""]) {
    assert.deepEqual((await handler(asking({ "Sec-WebSocket-Protocol": offered }))).headers, answer);
  }
  for (const fields of [{ Connection: "keep-alive, Upgrade" }, { Upgrade: "WebSocket" }]) {
    assert.deepEqual((await handler(asking(fields))).headers, answer);
  }
  assert.deepEqual(
    new Set(peers.map(({ wire, scope }) => `${wire} ${scope}`)),
    new Set(["websocket session"]),
  );
});

Deno.test("websocket refuses what is no handshake before it admits anybody", async () => {
  const upgrade = { Upgrade: "websocket", Connection: "Upgrade" };
  const cases: [Request, number, Record<string, string>][] = [
    [asking({}, "POST"), 405, { Allow: "GET" }],
    [asking({ Upgrade: undefined }), 426, upgrade],
    [asking({ Upgrade: "h2c" }), 426, upgrade],
    [asking({ Connection: undefined }), 400, {}],
    [asking({ Connection: "close" }), 400, {}],
    [asking({ "Sec-WebSocket-Key": undefined }), 400, {}],
    [asking({ "Sec-WebSocket-Key": "" }), 400, {}],
    [asking({ "Sec-WebSocket-Key": btoa("x".repeat(15)) }), 400, {}],
    [asking({ "Sec-WebSocket-Key": btoa("x".repeat(17)) }), 400, {}],
    [asking({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==" }), 400, {}],
    [asking({ "Sec-WebSocket-Version": undefined }), 426, { ...upgrade, "Sec-WebSocket-Version": "13" }],
    [asking({ "Sec-WebSocket-Version": "8" }), 426, { ...upgrade, "Sec-WebSocket-Version": "13" }],
  ];
  const { handler, peers } = rig();
  for (const [request, status, headers] of cases) {
    await assert.rejects(handler(request), (error) => {
      assert(error instanceof RequestError);
      assert.deepEqual([error.status, error.headers], [status, headers]);
      return true;
    });
  }
  assert.deepEqual(peers, []);
});

Deno.test("websocket passes on why nobody is let in, and gives back a place whose client did not come", async () => {
  const full = new BusyError("Too many sessions");
  await assert.rejects(
    rig({
      accept: () => {
        throw full;
      },
    }).handler(asking()),
    full,
  );
  const { handler, withdrawn } = rig();
  (await handler(asking())).withdraw();
  assert.equal(withdrawn(), 1);
});

Deno.test("websocket runs the session of its client, answers what is no message, and tells when the client is gone", async () => {
  const { handler, peers, channels } = rig();
  const stream = new FakeStream();
  void (await handler(asking())).run(stream);
  const [channel] = channels;
  assert(channel);
  const far = new FarEnd(channel);
  const say = (payload: string) => stream.receive(frame({ opcode: 1, payload, mask: MASK }));
  say("nonsense");
  say(JSON.stringify(notification()));
  assert.deepEqual(await far.hear(), notification());
  stream.end();
  const { error } = await far.rest();
  assert.match(`${error}`, /The client closed its socket/);
  assert.equal(peers[0]?.gone?.signal.aborted, true);
  await channel[Symbol.asyncDispose]();
  for (const answer of stream.frames.map(textOfFrame)) assert.equal(JSON.parse(answer).error.code, -32700);
});
