import assert from "node:assert/strict";
import { settled } from "../../../tests/support/far_end.ts";
import { Backlog } from "../../core/backlog.ts";
import { ChildInput } from "./child_input.ts";

/** A pipe whose other end reads one write at a time, when it is told to. */
class Pipe {
  readonly written: string[] = [];
  closed = false;
  readonly stream: WritableStream<Uint8Array>;
  #reads: PromiseWithResolvers<void> | undefined;

  constructor() {
    this.stream = new WritableStream({
      write: (chunk) => {
        this.written.push(new TextDecoder().decode(chunk));
        this.#reads = Promise.withResolvers();
        return this.#reads.promise;
      },
      close: () => void (this.closed = true),
    });
  }

  async read(): Promise<void> {
    this.#reads?.resolve();
    await settled();
  }

  async break(): Promise<void> {
    this.#reads?.reject(new Deno.errors.BrokenPipe());
    await settled();
  }
}

function unexpected(): never {
  throw new Error("The pipe is not broken");
}

Deno.test("ChildInput writes what has gathered as one piece, in one turn of the event loop and during a write", async () => {
  const pipe = new Pipe();
  const input = new ChildInput(pipe.stream, { onBroken: unexpected });
  for (const text of ["a", "b"]) assert.equal(input.write(text), undefined);
  await settled();
  assert.deepEqual(pipe.written, ["ab"]);
  for (const text of ["ü", "d"]) assert.equal(input.write(text), undefined);
  await settled();
  assert.deepEqual(pipe.written, ["ab"]);
  await pipe.read();
  await settled();
  assert.deepEqual(pipe.written, ["ab", "üd"]);
});

/** What makes the input sure that nobody else writes. */
async function sayAlone(pipe: Pipe, input: ChildInput): Promise<void> {
  for (let time = 0; time < 16; time++) {
    const before = pipe.written.length;
    assert.equal(input.write("a"), undefined);
    assert.equal(pipe.written.length, before, "somebody may come beside it");
    await settled();
    await pipe.read();
    await settled();
  }
  pipe.written.length = 0;
}

Deno.test("ChildInput writes at once what comes alone, and gathers again once more than one has come", async () => {
  const pipe = new Pipe();
  const input = new ChildInput(pipe.stream, { onBroken: unexpected });
  const say = (text: string) => assert.equal(input.write(text), undefined);
  await sayAlone(pipe, input);
  say("b");
  assert.deepEqual(pipe.written, ["b"], "for long, nobody came beside another one");
  for (const text of ["c", "d"]) say(text);
  await pipe.read();
  assert.deepEqual(pipe.written, ["b", "cd"]);
  await pipe.read();
  await settled();
  for (const text of ["e", "f"]) say(text);
  assert.deepEqual(pipe.written, ["b", "cd"]);
  await settled();
  assert.deepEqual(pipe.written, ["b", "cd", "ef"]);
});

Deno.test("ChildInput gathers what comes beside others that wait for their answers", async () => {
  const pipe = new Pipe();
  const input = new ChildInput(pipe.stream, { onBroken: unexpected });
  await sayAlone(pipe, input);
  for (const text of ["b", "c"]) assert.equal(input.write(text, true), undefined);
  assert.deepEqual(pipe.written, []);
  await settled();
  assert.deepEqual(pipe.written, ["bc"]);
});

Deno.test("ChildInput counts a large message that comes alone, and holds its writer back", async () => {
  const pipe = new Pipe();
  const tally = new Backlog(Infinity);
  const input = new ChildInput(pipe.stream, { onBroken: unexpected, tally });
  await sayAlone(pipe, input);
  const held = input.write("x".repeat(100_000));
  assert.equal(tally.size, 100_000);
  await pipe.read();
  await held;
  assert.equal(tally.size, 0);
});

Deno.test("ChildInput holds its writer back until what waits is being written", async () => {
  const pipe = new Pipe();
  const input = new ChildInput(pipe.stream, { onBroken: unexpected });
  void input.write("first");
  await settled();
  let room = false;
  const held = Promise.resolve(input.write("x".repeat(100_000))).then(() => room = true);
  await settled();
  assert.equal(room, false);
  await pipe.read();
  await pipe.read();
  await held;
});

Deno.test("ChildInput closes the pipe once all is written, and takes nothing after that", async () => {
  const pipe = new Pipe();
  const input = new ChildInput(pipe.stream, { onBroken: unexpected });
  void input.write("a");
  void input.write("b");
  input.end();
  input.end();
  void input.write("late");
  await settled();
  assert.equal(pipe.closed, false);
  await pipe.read();
  await settled();
  assert.deepEqual([pipe.written, pipe.closed], [["ab"], true]);
});

Deno.test("ChildInput releases its writer at the end, though nothing is read", async () => {
  const pipe = new Pipe();
  const input = new ChildInput(pipe.stream, { onBroken: unexpected });
  void input.write("first");
  await settled();
  const held = input.write("x".repeat(100_000));
  input.end();
  await held;
  assert.deepEqual(pipe.written, ["first"]);
});

Deno.test("ChildInput tells once that the pipe is broken, and releases its writer", async () => {
  const pipe = new Pipe();
  let broken = 0;
  const input = new ChildInput(pipe.stream, { onBroken: () => broken++ });
  void input.write("first");
  await settled();
  const held = input.write("x".repeat(100_000));
  await pipe.break();
  await held;
  void input.write("late");
  input.end();
  await settled();
  assert.deepEqual([broken, pipe.written], [1, ["first"]]);
});

Deno.test("ChildInput counts what waits for a child that does not read, as bytes, until it is written or lost", async () => {
  for (const how of ["read", "broken"]) {
    const pipe = new Pipe();
    const tally = new Backlog(Infinity);
    const input = new ChildInput(pipe.stream, { onBroken: () => {}, tally });
    void input.write("first");
    await settled();
    const held = [100_000, 70_000].map((size) => input.write("ü".repeat(size)));
    void input.write("few");
    assert.equal(tally.size, 340_000, "and what is little is not worth it");
    if (how === "broken") await pipe.break();
    for (let time = 0; how === "read" && time < 4; time++) await pipe.read();
    await Promise.all(held);
    assert.equal(tally.size, 0);
    const sizes = pipe.written.map((text) => text.length);
    assert.deepEqual(sizes, how === "read" ? [5, 100_000, 70_000, 3] : [5]);
  }
});
