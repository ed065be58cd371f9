import assert from "node:assert/strict";
import { chunkings } from "../../tests/support/chunkings.ts";
import { GatewayError, TooLargeError } from "../core/errors.ts";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { Bodies, type Body } from "./bodies.ts";
import { BodyShares, type BodySharesOptions } from "./body_shares.ts";

const KB = 1024;
/** For a limit of 5 s, and what its timer may be late. */
const WHOLE_TIME_MS = 5_700;

function bodies(options: Partial<BodySharesOptions> = {}) {
  const shares = new BodyShares({ maxBodiesBytes: 150 * KB, ...options });
  return Object.assign(new Bodies(100 * KB, shares), { shares });
}

/** A request whose body the test writes. */
function arriving(announced?: number) {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let left = false;
  const body = new ReadableStream<Uint8Array>({
    start: (own) => void (controller = own),
    cancel: () => void (left = true),
  });
  const headers: HeadersInit = announced === undefined ? {} : { "Content-Length": `${announced}` };
  const request = new Request("http://127.0.0.1/", { method: "POST", body, headers });
  const write = (text: string | Uint8Array) =>
    controller.enqueue(typeof text === "string" ? new TextEncoder().encode(text) : text.slice());
  return {
    request,
    write,
    end: () => controller.close(),
    fail: (error: Error) => controller.error(error),
    left: () => left,
  };
}

function textOf(body: Body): Promise<string> {
  return new Promise((resolve, reject) => body.read(resolve, reject));
}

function refused(status: number): (error: unknown) => true {
  return (error) => {
    assert(error instanceof GatewayError);
    assert.equal(error.status, status);
    return true;
  };
}

Deno.test("Bodies refuses unread what is too large or finds no room, and gives room back", async () => {
  const all = bodies();
  assert.throws(() => all.expect(arriving(100 * KB + 1).request), refused(413));
  const first = all.expect(arriving(100 * KB).request);
  assert.throws(() => all.expect(arriving(60 * KB).request), (error) => {
    assert(error instanceof GatewayError);
    assert.deepEqual([error.status, error.headers["Retry-After"]], [503, "5"]);
    return true;
  });
  // Small ones are not counted, since connections are.
  const small = arriving(2);
  small.write("{}");
  small.end();
  assert.equal(await textOf(all.expect(small.request)), "{}");
  first.release();
  first.release();
  assert.equal(all.shares.reserved, 0);
});

Deno.test("Bodies counts a chunked body as it comes, and leaves one that is too large", async () => {
  const all = bodies();
  const [one, other] = [arriving(), arriving()];
  const texts = [one, other].map(({ request }) => textOf(all.expect(request)));
  one.write("x".repeat(90 * KB));
  other.write("x".repeat(90 * KB));
  await assert.rejects(texts[1]!, refused(503));
  one.end();
  assert.equal((await texts[0]!).length, 90 * KB);
  assert.equal(all.shares.reserved, 90 * KB);
  const large = arriving();
  const text = textOf(bodies().expect(large.request));
  large.write("x".repeat(100 * KB + 1));
  await assert.rejects(text, refused(413));
  assert(large.left());
});

Deno.test("Bodies keeps each character, wherever the bytes are cut, but a byte order mark at the beginning", async () => {
  const bytes = new TextEncoder().encode("\ufeff\ufeffä€😀");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const { request, write, end } = arriving();
    const text = textOf(bodies().expect(request));
    write(bytes.subarray(0, cut));
    write(bytes.subarray(cut));
    end();
    assert.equal(await text, "\ufeffä€😀");
  }
});

/** Packed, as a request of that encoding whose length is announced or not. */
async function packed(text: string, announced: boolean): Promise<Request> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const arrival = arriving(announced ? bytes.length : undefined);
  arrival.request.headers.set("Content-Encoding", "gzip");
  arrival.write(bytes);
  arrival.end();
  return arrival.request;
}

Deno.test("Bodies counts a packed body by what it unpacks to, and holds no more of it than it may", async () => {
  for (const announced of [true, false]) {
    const all = bodies();
    const body = all.expect(await packed("x".repeat(90 * KB), announced));
    assert.equal(all.shares.reserved, 0);
    assert.equal((await textOf(body)).length, 90 * KB);
    assert.equal(all.shares.reserved, 90 * KB);
    await assert.rejects(textOf(all.expect(await packed("x".repeat(80 * KB), announced))), refused(503));
    body.release();
    // Ten kilobytes that would become ten thousand.
    await assert.rejects(textOf(all.expect(await packed("x".repeat(10_000 * KB), announced))), refused(413));
    assert.equal(all.shares.reserved, 0);
  }
});

Deno.test("Bodies tells a packed body that broke off from one that is none", async () => {
  const [gone, none] = [arriving(), arriving()];
  for (const { request } of [gone, none]) request.headers.set("Content-Encoding", "gzip");
  const texts = [gone, none].map(({ request }) => textOf(bodies().expect(request)));
  gone.fail(new Error("reset"));
  none.write("{}");
  none.end();
  await assert.rejects(texts[0]!, /the body broke off/);
  await assert.rejects(texts[1]!, /the body is no gzip/);
});

Deno.test("Bodies waits for none longer than its time, and has the connection dropped after the answer", async () => {
  using clock = fakeClock();
  const all = bodies({ bodyTimeoutMs: 5_000 });
  for (const announced of [100, 50 * KB, undefined]) {
    const dropped: string[] = [];
    const caller = { address: undefined, drop: (reason: string) => void dropped.push(reason) };
    const slow = arriving(announced);
    const text = textOf(all.expect(slow.request, caller));
    slow.write("{");
    clock.pass(WHOLE_TIME_MS);
    await assert.rejects(text, refused(408));
    assert.deepEqual([all.shares.reserved, dropped], [0, []]);
    clock.pass(1_000);
    assert.deepEqual(dropped, ["Request Timeout: the body did not arrive within 5s (--bodyTimeout)"]);
  }
});

Deno.test("Bodies makes room for a new one by the one that has been coming for longest", async () => {
  using clock = fakeClock();
  const all = bodies({ bodyTimeoutMs: 60_000 });
  const old = textOf(all.expect(arriving(80 * KB).request));
  clock.pass(3_000);
  const younger = all.expect(arriving(60 * KB).request);
  void textOf(younger).catch(() => {});
  assert.throws(() => all.expect(arriving(60 * KB).request), refused(503));
  clock.pass(2_000);
  all.expect(arriving(60 * KB).request);
  await assert.rejects(old, refused(408));
  assert.equal(all.shares.reserved, 120 * KB);
  younger.release();
});

Deno.test("Bodies takes no body that is complete only after it was given up", async () => {
  using clock = fakeClock();
  const all = bodies({ bodyTimeoutMs: 5_000 });
  for (const announced of [2, 20 * KB, undefined]) {
    const late = arriving(announced);
    let taken = 0;
    const failed = Promise.withResolvers<unknown>();
    all.expect(late.request).read(() => taken++, failed.resolve);
    clock.pass(WHOLE_TIME_MS);
    refused(408)(await failed.promise);
    late.write("{}");
    late.end();
    for (let turn = 0; turn < 50; turn++) await undefined;
    assert.equal(taken, 0);
  }
});

/** Without Content-Length, as a chunked body has none. */
function textOfChunks(chunks: readonly Uint8Array[], maxBodyBytes: number): Promise<string> {
  const arriving = ReadableStream.from(chunks.map((chunk) => chunk.slice()));
  const request = new Request("http://127.0.0.1/mcp", { method: "POST", body: arriving });
  const body = new Bodies(maxBodyBytes, new BodyShares({ maxBodiesBytes: 1_000 })).expect(request);
  return textOf(body);
}

Deno.test("Body.read keeps a U+FEFF wherever chunks cut, but for one at the very beginning", async () => {
  for (const text of ['{"a":"\ufeffb\ufeff\ufeff😀"}', '\ufeff{"\ufeff":1}', "\ufeff\ufeff{}"]) {
    for (const chunks of chunkings(text)) {
      assert.equal(await textOfChunks(chunks, 100), text.replace(/^\ufeff/, ""));
    }
  }
});

Deno.test("Body.read counts the bytes of a chunked body, and refuses one byte too many", async () => {
  const chunks = chunkings("ää")[1] ?? [];
  assert.equal(await textOfChunks(chunks, 4), "ää");
  await assert.rejects(
    textOfChunks(chunks, 3),
    (error) => error instanceof TooLargeError && error.status === 413,
  );
});

Deno.test("a body of one server makes room for one of another where they share what may be on its way", () => {
  using clock = fakeClock();
  using shares = new BodyShares({ maxBodiesBytes: 150 * KB, bodyTimeoutMs: 60_000 });
  const [one, other] = [new Bodies(100 * KB, shares), new Bodies(100 * KB, shares)];
  const slow = arriving(100 * KB);
  const gone = assert.rejects(textOf(one.expect(slow.request)), refused(408));
  assert.throws(() => other.expect(arriving(100 * KB).request), refused(503));
  clock.pass(5_000);
  other.expect(arriving(100 * KB).request);
  assert.equal(shares.reserved, 100 * KB);
  return gone;
});
