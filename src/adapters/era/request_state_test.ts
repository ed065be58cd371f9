import assert from "node:assert/strict";
import { RequestError, RpcCode } from "../../core/errors.ts";
import { type Bound, RequestStates } from "./request_state.ts";

const TTL_MS = 60_000;
const HANDLE = "h-" + "x".repeat(20);
const BOUND: Bound = { principal: "key/alice", digest: "d1" };
const MESSAGE = "Invalid params: requestState is not one that was given for this request";
const EXPIRED = "Invalid params: requestState has expired; send the request again without it";

interface Clock {
  now: number;
}

function statesAt(clock: Clock): RequestStates {
  return new RequestStates({ ttlMs: TTL_MS, now: () => clock.now });
}

/** What it is refused with; the log has more. */
async function refused(states: RequestStates, text: unknown, bound = BOUND): Promise<RequestError> {
  const error: unknown = await states.open(text, bound).then(() => assert.fail("It was opened"), (e) => e);
  assert(error instanceof RequestError, `${error}`);
  assert.deepEqual([error.code, error.status, error.data], [RpcCode.invalidParams, 400, undefined]);
  assert(error.logged.startsWith(`${error.message}: `));
  return error;
}

Deno.test("RequestStates opens what it has sealed, as often as it is shown", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const text = await states.seal(HANDLE, BOUND);
  for (let i = 0; i < 2; i++) assert.equal(await states.open(text, BOUND), HANDLE);
  const nobodys = await states.seal("h", { ...BOUND, principal: undefined });
  assert.equal(await states.open(nobodys, { ...BOUND, principal: undefined }), "h");
});

Deno.test("RequestStates shows nothing of what it seals, nor that two texts are of the same", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const texts = await Promise.all([HANDLE, HANDLE].map((handle) => states.seal(handle, BOUND)));
  assert.notEqual(texts[0], texts[1]);
  for (const text of texts) {
    assert.match(text, /^[\w-]+$/);
    const bytes = Uint8Array.fromBase64(text.slice(8), { alphabet: "base64url" });
    for (const hidden of [HANDLE, "alice", "d1"]) {
      assert(!new TextDecoder("latin1").decode(bytes).includes(hidden));
    }
  }
});

Deno.test("RequestStates refuses a text with any bit of it changed, or any character another", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const text = await states.seal(HANDLE, BOUND);
  const changed = [...text].flatMap((character, at) => {
    const bits = [0, 1, 2, 3, 4, 5, 6, 7].map((bit) =>
      String.fromCharCode(character.charCodeAt(0) ^ 1 << bit)
    );
    return [...bits, " ", "\n", "=", "世", ""].map((other) => text.slice(0, at) + other + text.slice(at + 1));
  });
  assert(changed.length > text.length * 12);
  for (const one of changed) assert.equal((await refused(states, one)).message, MESSAGE);
});

Deno.test("RequestStates refuses a text that is cut at any length, or goes on", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const text = await states.seal(HANDLE, BOUND);
  const others = [
    ...Array.from(text, (_, length) => text.slice(0, length)),
    ...Array.from(text, (_, at) => text.slice(at + 1)),
    ...["=", "A", "AAAA", " ", "\n", text].map((more) => text + more),
    ` ${text}`,
  ];
  for (const one of others) assert.equal((await refused(states, one)).message, MESSAGE);
});

Deno.test("RequestStates refuses parts of two texts put together", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const [one = "", other = ""] = await Promise.all(["h1", "h2"].map((handle) => states.seal(handle, BOUND)));
  for (let at = 9; at < one.length; at++) {
    const mixed = one.slice(0, at) + other.slice(at);
    if (mixed !== one && mixed !== other) assert.equal((await refused(states, mixed)).message, MESSAGE);
  }
});

Deno.test("RequestStates refuses the text of another principal or of another request", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const text = await states.seal(HANDLE, BOUND);
  const others: Bound[] = [
    ...[undefined, "", "key/bob", "key/alic", "key/alice\0", 'key/alice","d1'].map((principal) => ({
      ...BOUND,
      principal,
    })),
    ...["", "d2", "D1", "d1 "].map((digest) => ({ ...BOUND, digest })),
    { principal: BOUND.digest, digest: "key/alice" },
    { principal: "key", digest: "/aliced1" },
  ];
  for (const bound of others) assert.equal((await refused(states, text, bound)).message, MESSAGE);
});

Deno.test("RequestStates keeps nobody apart from one who is named like that", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const text = await states.seal(HANDLE, { ...BOUND, principal: undefined });
  for (const principal of ["null", "undefined", ""]) await refused(states, text, { ...BOUND, principal });
});

Deno.test("RequestStates refuses what another gateway has sealed, or the same one before it was started anew", async () => {
  const text = await new RequestStates({ ttlMs: TTL_MS }).seal(HANDLE, BOUND);
  const states = new RequestStates({ ttlMs: TTL_MS });
  const own = await states.seal(HANDLE, BOUND);
  for (const one of [text, own.slice(0, 8) + text.slice(8), text.slice(0, 8) + own.slice(8)]) {
    assert.equal((await refused(states, one)).message, MESSAGE);
  }
});

Deno.test("RequestStates refuses whatever else it is given, and that soon", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const text = await states.seal(HANDLE, BOUND);
  const values: unknown[] = [
    ...[
      undefined,
      null,
      true,
      0,
      1,
      NaN,
      7n,
      {},
      [],
      [text],
      { toString: () => text },
      new String(text),
      Symbol("s"),
    ],
    ...[
      "",
      "x",
      "é".repeat(50),
      "\ud800",
      text.slice(0, 8),
      `${text.slice(0, 8)}AAAA`,
      `__proto__${text}`,
      "toString",
    ],
    ...[
      "A".repeat(1_000_000),
      text.slice(0, 8) + "A".repeat(1_000_000),
      text.slice(0, 8) + "A".repeat(155 - 8),
    ],
  ];
  for (const value of values) {
    const { message } = await refused(states, value);
    assert.equal(message, MESSAGE);
  }
});

Deno.test("RequestStates does not even decode what is longer than any text of its own", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const id = (await states.seal(HANDLE, BOUND)).slice(0, 8);
  assert.match((await refused(states, id + "A".repeat(1_000_000))).logged, /longer than 154 characters$/);
  assert.match((await refused(states, id + "A".repeat(154 - 8 + 1))).logged, /longer than 154 characters$/);
});

Deno.test("RequestStates tells who has come too late that it was too late, and nobody else", async () => {
  const clock = { now: 1_000.5 };
  const states = statesAt(clock);
  const text = await states.seal(HANDLE, BOUND);
  clock.now += TTL_MS - 1;
  assert.equal(await states.open(text, BOUND), HANDLE);
  clock.now += 2;
  assert.equal((await refused(states, text)).message, EXPIRED);
  assert.equal((await refused(states, text, { ...BOUND, principal: "key/bob" })).message, MESSAGE);
  clock.now += 4 * TTL_MS;
  assert.equal((await refused(states, text)).message, MESSAGE);
});

Deno.test("RequestStates takes another key for each time of a text, and opens with the one before it", async () => {
  const clock = { now: 0 };
  const states = statesAt(clock);
  const first = await states.seal("h1", BOUND);
  clock.now = TTL_MS - 1;
  const late = await states.seal("h2", BOUND);
  clock.now = TTL_MS;
  const next = await states.seal("h3", BOUND);
  assert.equal(late.slice(0, 8), first.slice(0, 8));
  assert.notEqual(next.slice(0, 8), first.slice(0, 8));
  clock.now = 2 * TTL_MS - 2;
  assert.deepEqual(await Promise.all([late, next].map((text) => states.open(text, BOUND))), ["h2", "h3"]);
  assert.equal((await refused(states, first)).message, EXPIRED);
});

Deno.test("RequestStates seals at once what is sealed at the same time", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS });
  const handles = Array.from({ length: 50 }, (_, i) => `h${i}`);
  const texts = await Promise.all(handles.map((handle) => states.seal(handle, BOUND)));
  assert.equal(new Set(texts.map((text) => text.slice(0, 8))).size, 1);
  assert.deepEqual(await Promise.all(texts.map((text) => states.open(text, BOUND))), handles);
});

Deno.test("RequestStates takes no handle that would make its texts longer than it reads, and no endless time", async () => {
  const states = new RequestStates({ ttlMs: TTL_MS, now: () => 9_007_199_254_000_000 });
  const longest = "x".repeat(64);
  assert.equal(await states.open(await states.seal(longest, BOUND), BOUND), longest);
  for (const handle of ["", "a b", "x".repeat(65), "é"]) {
    await assert.rejects(states.seal(handle, BOUND), TypeError);
  }
  for (const ttlMs of [0, -1, NaN, Infinity]) assert.throws(() => new RequestStates({ ttlMs }), RangeError);
});
