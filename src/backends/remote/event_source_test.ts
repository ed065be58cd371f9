import assert from "node:assert/strict";
import { TooLargeError } from "../../core/errors.ts";
import type { ReceivedEvent } from "../../wire/sse_reader.ts";
import { eventSource, type EventSourceOptions } from "./event_source.ts";
import { RemoteError } from "./remote_error.ts";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { EventStream } from "../../../tests/support/loopback.ts";

/** No pauses but those that a server asks for, and no connection that lasts for the longest one: it would count anew. */
const RETRY = { attempts: 2, firstDelayMs: 0, maxDelayMs: 600_000 };
const HASTY = { ...RETRY, maxDelayMs: 30 };

/** Connections that are there one after the other; then none. */
function connections(...all: (EventStream | RemoteError)[]) {
  const cursors: (string | undefined)[] = [];
  const connect = (cursor: string | undefined) => {
    cursors.push(cursor);
    const next = all.shift() ?? refused(404);
    return next instanceof RemoteError ? Promise.reject(next) : Promise.resolve(next.response);
  };
  return { connect, cursors };
}

function refused(remoteStatus?: number, retryAfterMs?: number): RemoteError {
  return new RemoteError("no", { delivered: true, remoteStatus, retryAfterMs });
}

/** A stream that is over after this text. */
function ended(text: string): EventStream {
  const stream = new EventStream(text);
  stream.end();
  return stream;
}

async function read(options: Partial<EventSourceOptions> & Pick<EventSourceOptions, "connect">) {
  const events: ReceivedEvent[] = [];
  const { signal } = new AbortController();
  try {
    const source = eventSource({ kind: "standalone", retry: RETRY, maxBytes: 100, signal, ...options });
    for await (const event of source) events.push(event);
    return { data: events.map(({ data }) => data), error: undefined };
  } catch (error) {
    return { data: events.map(({ data }) => data), error };
  }
}

Deno.test("eventSource goes on after the last event id, which later events without one leave in force", async () => {
  const first = ended("id: 1\ndata: a\n\ndata: b\n\n");
  const { connect, cursors } = connections(ended("data: c\n\n"), ended("id: ü€\ndata: d\n\n"));
  const { data, error } = await read({ first: first.response, connect });
  assert.deepEqual(data, ["a", "b", "c", "d"]);
  assert.deepEqual(cursors, ["1", "1", "ü€"]);
  assert(error instanceof RemoteError);
});

Deno.test("eventSource goes on after a connection that broke", async () => {
  const { connect, cursors } = connections(ended("data: b\n\n"));
  const first = new EventStream("id: 7\ndata: a\n\ndata: half");
  const reading = read({ first: first.response, connect });
  // Only once the event has been taken, since an error throws away what waits.
  await settled();
  first.break();
  assert.deepEqual((await reading).data, ["a", "b"]);
  assert.deepEqual(cursors, ["7", "7"]);
});

Deno.test("eventSource ends an answer that has no event id to go on after", async () => {
  const { connect, cursors } = connections(ended("data: never\n\n"));
  const { data, error } = await read({ kind: "answer", first: ended("data: a\n\n").response, connect });
  assert.deepEqual([data, error, cursors], [["a"], undefined, []]);
});

Deno.test("eventSource ends an answer after so many connections without an event", async () => {
  const nothing = () => ended(":\n\n");
  const event = ended("id: 2\ndata: b\n\n");
  const { connect, cursors } = connections(nothing(), event, nothing(), refused(), ended("data: never\n\n"));
  const { data, error } = await read({
    kind: "answer",
    first: ended("id: 1\ndata: a\n\n").response,
    connect,
  });
  assert.deepEqual([data, error], [["a", "b"], undefined]);
  assert.deepEqual(cursors, ["1", "1", "2", "2"]);
});

Deno.test("eventSource opens a standing stream again however often it ends or cannot be had", async () => {
  const { connect, cursors } = connections(
    ...Array.from({ length: 5 }, () => ended("")),
    ...[refused(), refused(500), refused(503), refused(429), refused(408)],
  );
  const { error } = await read({ connect });
  assert.equal(cursors.length, 11);
  assert(error instanceof RemoteError && error.remoteStatus === 404);
});

Deno.test("eventSource throws what trying again cannot mend", async () => {
  for (const status of [400, 401, 403, 404, 405]) {
    const { connect, cursors } = connections(refused(status));
    const { error } = await read({ connect });
    assert(error instanceof RemoteError && error.remoteStatus === status);
    assert.equal(cursors.length, 1);
  }
  const { connect, cursors } = connections(ended(`data: ${"x".repeat(101)}\n\n`), ended("data: never\n\n"));
  assert((await read({ connect })).error instanceof TooLargeError);
  assert.equal(cursors.length, 1);
});

/** How long the pause was between two connections. */
async function pauseMs(first: EventStream | RemoteError, retry = RETRY): Promise<number> {
  const times: number[] = [];
  const { connect } = connections(first);
  await read({
    retry,
    connect: (cursor) => {
      times.push(performance.now());
      return connect(cursor);
    },
  });
  return times[1]! - times[0]!;
}

Deno.test("eventSource waits as long as the stream's retry says, within bounds", async () => {
  const slow = { attempts: 2, firstDelayMs: 1e9, maxDelayMs: 1e9 };
  // What comes out wrong lasts for days.
  await pauseMs(ended("retry: 0\ndata: a\n\n"), slow);
  const waited = await pauseMs(ended("retry: 40\ndata: a\n\n"), { ...RETRY, maxDelayMs: 1e9 });
  assert(waited >= 39, `${waited}`);
  await pauseMs(ended("retry: 1000000000\ndata: a\n\n"), HASTY);
});

Deno.test("eventSource waits as long as Retry-After says, within bounds", async () => {
  const waited = await pauseMs(refused(503, 40), { ...RETRY, maxDelayMs: 1e9 });
  assert(waited >= 39, `${waited}`);
  await pauseMs(refused(503, 1e9), HASTY);
});

Deno.test("eventSource does not let a stream that brings nothing set the pace by its retry", async () => {
  let opened = 0;
  const abort = new AbortController();
  const source = eventSource({
    kind: "standalone",
    retry: { attempts: 1, firstDelayMs: 1e9, maxDelayMs: 1e9 },
    maxBytes: 100,
    signal: abort.signal,
    connect: () => {
      opened++;
      return Promise.resolve(ended("retry: 0\n\n").response);
    },
  });
  const next = source.next();
  for (let turn = 0; turn < 20; turn++) await settled();
  abort.abort(new Error("enough"));
  await assert.rejects(next, /enough/);
  assert(opened <= 2, `${opened} connections`);
});

Deno.test("eventSource stops at its signal, during a pause too, and lets go of the stream when its reader stops", async () => {
  const abort = new AbortController();
  const { connect } = connections(refused(), refused());
  const pausing = read({
    connect,
    retry: { attempts: 9, firstDelayMs: 1e9, maxDelayMs: 1e9 },
    signal: abort.signal,
  });
  await settled();
  abort.abort(new Error("enough"));
  assert.match(`${(await pausing).error}`, /enough/);
  const stream = new EventStream("data: a\n\n");
  for await (
    const { data } of eventSource({
      ...{ kind: "answer", retry: RETRY, maxBytes: 9, signal: new AbortController().signal },
      first: stream.response,
      connect,
    })
  ) {
    assert.equal(data, "a");
    break;
  }
  await stream.cancelled;
});

/** Opens the same stream for ever; gives the pauses that were made. */
async function pausesOf(
  text: (connection: number) => string,
  { connections, ...options }: Partial<EventSourceOptions> & { connections: number },
) {
  using clock = fakeClock();
  const abort = new AbortController();
  const pauses: number[] = [];
  let since = 0;
  const connect = () => {
    pauses.push(performance.now() - since);
    return Promise.resolve(ended(text(pauses.length)).response);
  };
  const retry = { attempts: 2, firstDelayMs: 1_000, maxDelayMs: 60_000 };
  const { signal } = abort;
  const source = eventSource({ kind: "standalone", retry, maxBytes: 100, signal, connect, ...options });
  const reading = (async () => {
    for await (const _ of source) continue;
  })().catch(() => {});
  while (pauses.length < connections) {
    await settled();
    since = performance.now();
    while (clock.timers > 0) clock.pass(1);
  }
  abort.abort();
  await reading;
  return pauses.slice(1, connections);
}

Deno.test("eventSource waits longer and longer for a stream that brings nothing new, whatever it primes or says again", async () => {
  const random = Math.random;
  Math.random = () => 1;
  try {
    const fruitless = [
      () => "",
      () => "retry: 0\n\n",
      (connection: number) => `retry: 0\nid: ${connection}\ndata:\n\n`,
      () => "event: ping\ndata: {}\n\n",
    ];
    for (const text of fruitless) {
      const told: unknown[] = [];
      const onFruitless = (failure: unknown) => void told.push(failure);
      const pauses = await pausesOf(text, { connections: 6, onFruitless });
      assert.deepEqual([pauses, told], [[1_000, 2_000, 4_000, 8_000, 16_000], [undefined]], text(1));
    }
    // The first time is news.
    const replayed = () => "retry: 0\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n";
    assert.deepEqual(await pausesOf(replayed, { connections: 6 }), [20, 1_000, 2_000, 4_000, 8_000]);
  } finally {
    Math.random = random;
  }
});

Deno.test("eventSource does not make a stream that brings something new wait", async () => {
  for (const id of [(n: number) => `id: ${n}\n`, () => ""]) {
    const text = (connection: number) => `retry: 0\n${id(connection)}data: a\n\n`;
    assert.deepEqual(await pausesOf(text, { connections: 6 }), [20, 20, 20, 20, 20]);
  }
});

Deno.test("eventSource asks for an answer as long as the server goes on to prime it, at the server's pace", async () => {
  const first = ended("retry: 300\nid: 0\ndata:\n\n").response;
  const polled = (connection: number) => `id: ${connection}\ndata:\n\n`;
  const pauses = await pausesOf(polled, { connections: 9, kind: "answer", first });
  assert.deepEqual(pauses, Array(8).fill(300));
});

Deno.test("eventSource throws what broke an answer that cannot be resumed", async () => {
  const { connect, cursors } = connections();
  const first = new EventStream("data: a\n\n");
  const reading = read({ kind: "answer", first: first.response, connect });
  await settled();
  first.break();
  const { data, error } = await reading;
  assert.deepEqual([data, cursors], [["a"], []]);
  assert.match(`${error}`, /broken by the test/);
});
