import assert from "node:assert/strict";
import { Backlog } from "../../core/backlog.ts";
import { memoryChannels } from "../../core/channel.ts";
import type { JsonRpcRequest } from "../../core/message/jsonrpc.ts";
import { request } from "../../../tests/support/messages.ts";
import { ClientRequests } from "./client_requests.ts";

const SIZE = JSON.stringify(request(1)).length;

function rig(maxKept = Infinity) {
  const backlog = new Backlog(Infinity);
  const requests = new ClientRequests({ maxKept, backlog });
  const begin = (message: JsonRpcRequest) => requests.begin(message, { message });
  return { backlog, requests, begin };
}

Deno.test("ClientRequests counts a request once for as long as it is kept, here and in the backlog", () => {
  const { backlog, requests, begin } = rig(SIZE);
  const one = begin(request(1));
  for (const _ of "12") requests.keep(one, { message: request(1) });
  assert.deepEqual([backlog.size, requests.full], [SIZE, false]);
  requests.keep(begin(request(2)), { message: request(2) });
  assert.deepEqual([backlog.size, requests.full], [2 * SIZE, true]);
  assert.equal(requests.end(1), one);
  assert.equal(requests.end(1), undefined);
  assert.deepEqual([backlog.size, requests.full], [SIZE, false]);
});

Deno.test("ClientRequests keeps nothing of what was delivered, but for a handshake, which may be sent again", () => {
  const { backlog, requests, begin } = rig();
  const [call, handshake] = [begin(request(1)), begin(request(2, "initialize"))];
  for (const one of [call, handshake]) {
    requests.keep(one, { message: request(one.id) });
    requests.delivered(one);
  }
  assert.equal(backlog.size, 0);
  assert.deepEqual([call.envelope, handshake.envelope?.message], [undefined, request(2, "initialize")]);
});

Deno.test("ClientRequests has a second request under the same id in place of the first", () => {
  const { backlog, requests, begin } = rig();
  const first = begin(request(1));
  requests.keep(first, { message: request(1) });
  const second = begin(request(1));
  assert.deepEqual([requests.waits(first), requests.waits(second), backlog.size], [false, true, 0]);
  assert.equal(requests.sole(), second);
});

Deno.test("ClientRequests knows which requests a server has", () => {
  const { requests, begin } = rig();
  const [server, other] = memoryChannels();
  const [mine, theirs] = [begin(request(1)), begin(request("1"))];
  begin(request(2));
  mine.sentTo = server;
  theirs.sentTo = other;
  assert.deepEqual(requests.inHandsOf(server), [mine]);
});

Deno.test("ClientRequests holds no message for which there is no room", () => {
  const { backlog, requests } = rig(10);
  assert.deepEqual([requests.hold(6), requests.hold(5), requests.hold(4)], [true, false, true]);
  assert.equal(backlog.size, 10);
  requests.free(6);
  assert.deepEqual([requests.hold(5), backlog.size], [true, 9]);
});
