import assert from "node:assert/strict";
import { Deadlines } from "../deadlines.ts";
import { BusyError, RequestError, RpcCode } from "../errors.ts";
import { OpenTable } from "./open_table.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { failure, request, result, tracked } from "../../../tests/support/messages.ts";
import { recorder } from "../../../tests/support/recorder.ts";

function openTable(maxOpenRequests = 10) {
  const { emit, told } = recorder();
  const limits = { emit, maxOpenRequests, maxIdChars: 20 };
  const table = new OpenTable({ session: "s1", direction: "up", limits });
  return { table, finished: () => told("request.finished"), slow: () => told("request.slow") };
}

Deno.test("OpenTable refuses an id that is open, and only while it is", () => {
  const { table } = openTable();
  table.add(request(1));
  const refusal = table.refusal(request(1, "another"));
  assert(refusal instanceof RequestError);
  assert.equal(refusal.code, RpcCode.invalidRequest);
  assert.match(refusal.message, /id 1 is still open/);
  table.take(1, "result");
  assert.equal(table.refusal(request(1)), undefined);
});

Deno.test("OpenTable refuses a second handshake while one is open or was answered with a result", () => {
  const { table } = openTable();
  const handshake = (id: number) => table.refusal(request(id, "initialize"))?.message;
  const why = "Invalid Request: the session is already initialized";
  table.add(request(1, "initialize"));
  assert.equal(handshake(2), why);
  // Who was refused, or heard nothing in time, may try again.
  table.settle(failure(1));
  assert.equal(handshake(2), undefined);
  table.add(request(2, "initialize"));
  table.take(2, "timeout");
  table.add(request(3, "initialize"));
  table.settle(result(3));
  assert.equal(handshake(4), why);
});

Deno.test("OpenTable keeps 1 and the text 1 apart", () => {
  const { table } = openTable();
  table.add(request(1, "number"));
  assert.equal(table.refusal(request("1")), undefined);
  table.add(request("1", "text"));
  assert.equal(table.take("1", "result")?.method, "text");
  assert.equal(table.take(1, "result")?.method, "number");
});

Deno.test("OpenTable refuses what is over the limit until one is answered", () => {
  const { table } = openTable(2);
  table.add(request(1));
  table.add(request(2));
  const refusal = table.refusal(request(3));
  assert(refusal instanceof BusyError);
  assert.match(refusal.message, /limit is 2/);
  table.take(1, "result");
  assert.equal(table.refusal(request(3)), undefined);
});

Deno.test("OpenTable gives a request to the first taker only, and tells of it once", () => {
  const { table, finished } = openTable();
  table.add(request(1, "tools/list"));
  assert.equal(table.take(1, "timeout")?.id, 1);
  assert.equal(table.take(1, "result"), undefined);
  const [event, ...more] = finished();
  assert.deepEqual(more, []);
  assert.equal(event?.outcome, "timeout");
  assert.equal(event?.method, "tools/list");
  assert.equal(event?.direction, "up");
  assert(Number(event?.durationMs) >= 0);
});

Deno.test("OpenTable settles with result or error, and not for an answer to nobody", () => {
  const { table, finished } = openTable();
  table.add(request(1));
  table.add(request(2));
  assert.equal(table.settle(result(1))?.id, 1);
  assert.equal(table.settle(failure(2))?.id, 2);
  assert.equal(table.settle(failure(null)), undefined);
  assert.equal(table.settle(result(3)), undefined);
  assert.deepEqual(finished().map(({ outcome }) => outcome), ["result", "error"]);
});

Deno.test("OpenTable takes all requests, oldest first", () => {
  const { table, finished } = openTable();
  for (const id of ["b", 1, "a"]) table.add(request(id));
  assert.deepEqual(table.takeAll("failed", "over").map(({ id }) => id), ["b", 1, "a"]);
  assert.equal(table.size, 0);
  assert.deepEqual(finished().map(({ outcome }) => outcome), ["failed", "failed", "failed"]);
});

Deno.test("OpenTable tells of a request whose time is over, and of none that was taken before", async () => {
  using deadlines = new Deadlines({ requestTimeoutMs: 10 });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const table = new OpenTable({
    session: "s1",
    direction: "up",
    limits: { emit: () => {}, maxIdChars: 20, maxOpenRequests: 10, deadlines },
    listener: { expired: ({ id }, { message }) => resolve([id, message]) },
  });
  table.add(request("answered"));
  table.add(request("late", "tools/list"));
  table.take("answered", "result");
  const message = 'The server did not answer "tools/list" within 10ms (--requestTimeout)';
  assert.deepEqual(await promise, ["late", message]);
  assert.equal(table.size, 1);
});

Deno.test("OpenTable knows the owner of a progress token while its request is open", () => {
  const { table } = openTable();
  table.add(tracked("a", 1));
  table.add(tracked("b", "1"));
  assert.equal(table.ownerOf(1)?.id, "a");
  assert.equal(table.ownerOf("1")?.id, "b");
  table.take("a", "cancelled");
  assert.equal(table.ownerOf(1), undefined);
  assert.equal(table.ownerOf("1")?.id, "b");
});

Deno.test("OpenTable leaves a token that was given twice with the later request", () => {
  const { table } = openTable();
  table.add(tracked("a", "t"));
  table.add(tracked("b", "t"));
  table.take("a", "result");
  assert.equal(table.ownerOf("t")?.id, "b");
});

Deno.test("OpenTable names the sole request, and none when there are several", () => {
  const { table } = openTable();
  assert.equal(table.sole(), undefined);
  table.add(request(0));
  assert.equal(table.sole()?.id, 0);
  table.add(request(1));
  assert.equal(table.sole(), undefined);
  table.take(0, "result");
  assert.equal(table.sole()?.id, 1);
});

Deno.test("OpenTable is drained at once when empty, else when the last request is taken", async () => {
  const { table } = openTable();
  await table.drained();
  table.add(request(1));
  table.add(request(2));
  let drained = 0;
  const waiting = [table.drained(), table.drained()].map((promise) => promise.then(() => drained++));
  table.take(1, "result");
  await Promise.resolve();
  assert.equal(drained, 0);
  table.take(2, "cancelled");
  await Promise.all(waiting);
  await table.drained();
});

Deno.test("OpenTable can be drained again and again", async () => {
  const { table } = openTable();
  for (let round = 0; round < 2; round++) {
    table.add(request(1));
    let drained = false;
    const waiting = table.drained().then(() => drained = true);
    await settled();
    assert.equal(drained, false);
    table.take(1, "result");
    await waiting;
  }
});

Deno.test("OpenTable refuses an id, a progress token and a method that are too long to be remembered", () => {
  const { table } = openTable();
  const long = "x".repeat(21);
  const withToken = { ...request(1), params: { _meta: { progressToken: long } } };
  const refused = [request(long), request(1, long), withToken].map((message) =>
    table.refusal(message)?.message
  );
  assert.deepEqual(
    refused,
    ["id", "method", "progress token"].map((what) =>
      `Invalid Request: the ${what} is longer than 20 characters (--maxIdLength)`
    ),
  );
  assert.equal(table.refusal(request("x".repeat(20))), undefined);
});

Deno.test("OpenTable tells once of a request that takes long, by its tool and without its arguments", () => {
  const { table, slow } = openTable();
  table.add({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "sleep", arguments: { secret: 1 } },
  });
  table.tellSlow(60_000);
  assert.deepEqual(slow(), []);
  table.tellSlow(0);
  table.add(request(2));
  table.tellSlow(0);
  table.tellSlow(0);
  const told = slow().map(({ id, method, tool }) => [id, method, tool]);
  assert.deepEqual(told, [[1, "tools/call", "sleep"], [2, "tools/call", undefined]]);
  assert.deepEqual(table.calls().map(({ id, tool }) => [id, tool]), [[1, "sleep"], [2, undefined]]);
  assert.doesNotMatch(JSON.stringify([slow(), table.calls()]), /secret/);
});

Deno.test("OpenTable keeps no name of a tool that nobody is meant to read", () => {
  const { table } = openTable();
  table.add({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "x".repeat(10_000) } });
  assert.equal(table.calls()[0]?.tool, undefined);
});
