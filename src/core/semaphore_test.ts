import assert from "node:assert/strict";
import { BusyError, StoppingError } from "./errors.ts";
import { Semaphore } from "./semaphore.ts";

const room = (options: { places: number; queueTimeoutMs?: number; makeRoom?: () => void }) =>
  new Semaphore({ queueTimeoutMs: 60_000, what: "seats", ...options });

Deno.test("Semaphore gives its places at once and no more of them", () => {
  const seats = room({ places: 2 });
  assert.equal(seats.acquire(), undefined);
  assert(seats.tryAcquire());
  assert(!seats.tryAcquire());
  seats.release();
  assert(seats.tryAcquire());
  assert.equal(seats.taken, 2);
});

Deno.test("Semaphore gives a free place to whoever has waited longest", async () => {
  const seats = room({ places: 2 });
  await seats.acquire();
  await seats.acquire();
  const order: string[] = [];
  const first = Promise.resolve(seats.acquire()).then(() => order.push("first"));
  const second = Promise.resolve(seats.acquire()).then(() => order.push("second"));
  assert(!seats.tryAcquire(), "somebody waits");
  seats.release();
  await first;
  assert(!seats.tryAcquire(), "the place was handed on");
  seats.release();
  await second;
  assert.deepEqual(order, ["first", "second"]);
  assert.equal(seats.taken, 2);
});

Deno.test("Semaphore refuses who has waited too long, and names the limit", async () => {
  const seats = room({ places: 1, queueTimeoutMs: 1 });
  await seats.acquire();
  await assert.rejects(async () => await seats.acquire(), (error) => {
    assert(error instanceof BusyError);
    assert.equal(error.status, 503);
    assert.equal(error.message, "Too many seats: the limit is 1");
    assert(error.headers["Retry-After"]);
    return true;
  });
  seats.release();
  assert(seats.tryAcquire(), "whoever gave up does not get the place");
});

Deno.test("Semaphore lets go of who waits when the signal says so", async () => {
  const seats = room({ places: 1 });
  await seats.acquire();
  const leaving = new AbortController();
  const waiting = Promise.resolve(seats.acquire(() => leaving.signal));
  leaving.abort(new StoppingError());
  await assert.rejects(waiting, StoppingError);
  seats.release();
  assert.equal(seats.taken, 0);
});

Deno.test("Semaphore does not lose a place that is given to somebody who gives up in the same moment", async () => {
  for (const givenFirst of [true, false]) {
    const seats = room({ places: 1 });
    await seats.acquire();
    const leaving = new AbortController();
    const waiting = Promise.resolve(seats.acquire(() => leaving.signal));
    if (givenFirst) seats.release();
    leaving.abort(new StoppingError());
    if (!givenFirst) seats.release();
    await assert.rejects(waiting, StoppingError);
    assert.equal(seats.taken, 0);
  }
});

Deno.test("Semaphore lets a thousand wait and no more", async () => {
  const seats = room({ places: 1 });
  await seats.acquire();
  const waiting = Array.from({ length: 1000 }, () => seats.acquire());
  await assert.rejects(async () => await seats.acquire(), BusyError);
  for (const place of waiting) {
    seats.release();
    await place;
  }
});

Deno.test("Semaphore asks again for room while somebody waits, and then no more", async () => {
  let asked = 0;
  const seats: Semaphore = room({
    places: 1,
    makeRoom: () => {
      if (++asked === 2) seats.release();
    },
  });
  await seats.acquire();
  await seats.acquire();
  assert.equal(asked, 2);
});

Deno.test("Semaphore asks for room when somebody has to wait, and only then", async () => {
  let asked = 0;
  const seats: Semaphore = room({
    places: 1,
    makeRoom: () => {
      asked++;
      seats.release();
    },
  });
  await seats.acquire();
  assert.equal(asked, 0);
  await seats.acquire();
  assert.equal(asked, 1);
});
