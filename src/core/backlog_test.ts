import assert from "node:assert/strict";
import { Backlog } from "./backlog.ts";
import { unbounded } from "../../tests/support/unbounded.ts";
import { BusyError } from "./errors.ts";
import { Queue } from "../base/queue.ts";
import { settled } from "../../tests/support/far_end.ts";

Deno.test("Backlog refuses from its bound on, as something that may be tried again, and until there is room", () => {
  const backlog = new Backlog(10);
  backlog.add(9);
  backlog.refuse();
  backlog.add(5);
  const refusal = backlog.refusal();
  assert(refusal instanceof BusyError);
  assert.deepEqual([refusal.status, refusal.headers["Retry-After"]], [503, "5"]);
  assert.match(refusal.message, /14 bytes wait for it, and the limit is 10 \(--maxBufferedSize\)/);
  assert.throws(() => backlog.refuse(), BusyError);
  backlog.remove(5);
  assert.equal(backlog.refusal(), undefined);
});

Deno.test("Backlog counts what waits in a queue, from the moment at which it comes", async () => {
  const backlog = unbounded();
  const queue = new Queue<string>();
  queue.countIn(backlog);
  void queue.push("a", 3);
  void queue.push("b", 4);
  assert.equal(backlog.size, 7);
  const taken: string[] = [];
  const hold = Promise.withResolvers<void>();
  queue.read((item) => {
    taken.push(item);
    if (item === "b") return hold.promise;
  }, () => {});
  await settled();
  assert.deepEqual([taken, backlog.size], [["a", "b"], 0]);
  void queue.push("c", 5);
  assert.equal(backlog.size, 5);
  hold.resolve();
  await settled();
  assert.equal(backlog.size, 0);
  void queue.push("d", 6);
  assert.equal(backlog.size, 6, "also where somebody waits for it");
  await settled();
  assert.equal(backlog.size, 0);
});
