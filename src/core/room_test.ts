import assert from "node:assert/strict";
import { BusyError, StoppingError } from "./errors.ts";
import { Room } from "./room.ts";

const room = (options: { places: number; queueTimeoutMs?: number; makeRoom?: () => void }) =>
  new Room({ queueTimeoutMs: 60_000, what: "seats", ...options });

Deno.test("Room gives its places at once and no more of them", () => {
  const seats = room({ places: 2 });
  assert.equal(seats.take(), undefined);
  assert(seats.tryTake());
  assert(!seats.tryTake());
  seats.leave();
  assert(seats.tryTake());
  assert.equal(seats.taken, 2);
});

Deno.test("Room gives a free place to whoever has waited longest", async () => {
  const seats = room({ places: 2 });
  await seats.take();
  await seats.take();
  const order: string[] = [];
  const first = Promise.resolve(seats.take()).then(() => order.push("first"));
  const second = Promise.resolve(seats.take()).then(() => order.push("second"));
  assert(!seats.tryTake(), "somebody waits");
  seats.leave();
  await first;
  assert(!seats.tryTake(), "the place was handed on");
  seats.leave();
  await second;
  assert.deepEqual(order, ["first", "second"]);
  assert.equal(seats.taken, 2);
});

Deno.test("Room refuses who has waited too long, and names the limit", async () => {
  const seats = room({ places: 1, queueTimeoutMs: 1 });
  await seats.take();
  await assert.rejects(async () => await seats.take(), (error) => {
    assert(error instanceof BusyError);
    assert.equal(error.status, 503);
    assert.equal(error.message, "Too many seats: the limit is 1");
    assert(error.headers["Retry-After"]);
    return true;
  });
  seats.leave();
  assert(seats.tryTake(), "whoever gave up does not get the place");
});

Deno.test("Room lets go of who waits when the signal says so", async () => {
  const seats = room({ places: 1 });
  await seats.take();
  const leaving = new AbortController();
  const waiting = Promise.resolve(seats.take(() => leaving.signal));
  leaving.abort(new StoppingError());
  await assert.rejects(waiting, StoppingError);
  seats.leave();
  assert.equal(seats.taken, 0);
});

Deno.test("Room does not lose a place that is given to somebody who gives up in the same moment", async () => {
  for (const givenFirst of [true, false]) {
    const seats = room({ places: 1 });
    await seats.take();
    const leaving = new AbortController();
    const waiting = Promise.resolve(seats.take(() => leaving.signal));
    if (givenFirst) seats.leave();
    leaving.abort(new StoppingError());
    if (!givenFirst) seats.leave();
    await assert.rejects(waiting, StoppingError);
    assert.equal(seats.taken, 0);
  }
});

Deno.test("Room lets a thousand wait and no more", async () => {
  const seats = room({ places: 1 });
  await seats.take();
  const waiting = Array.from({ length: 1000 }, () => seats.take());
  await assert.rejects(async () => await seats.take(), BusyError);
  for (const place of waiting) {
    seats.leave();
    await place;
  }
});

Deno.test("Room asks again for room while somebody waits, and then no more", async () => {
  let asked = 0;
  const seats: Room = room({
    places: 1,
    makeRoom: () => {
      if (++asked === 2) seats.leave();
    },
  });
  await seats.take();
  await seats.take();
  assert.equal(asked, 2);
});

Deno.test("Room asks for room when somebody has to wait, and only then", async () => {
  let asked = 0;
  const seats: Room = room({
    places: 1,
    makeRoom: () => {
      asked++;
      seats.leave();
    },
  });
  await seats.take();
  assert.equal(asked, 0);
  await seats.take();
  assert.equal(asked, 1);
});
