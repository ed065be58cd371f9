import assert from "node:assert/strict";
import { lineWriter } from "./line_writer.ts";
import { settled } from "../../tests/support/far_end.ts";

/** A pipe whose reader takes the next write only when told to, or never. */
class Pipe {
  text = "";
  readonly #decoder = new TextDecoder();
  readonly #pending: (() => void)[] = [];
  #flowing = false;

  constructor(readonly chunk = Infinity) {}

  write(bytes: Uint8Array): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#pending.push(() => {
      const taken = bytes.subarray(0, this.chunk);
      this.text += this.#decoder.decode(taken, { stream: true });
      resolve(taken.length);
    });
    if (this.#flowing) setTimeout(() => this.read());
    return promise;
  }

  read(): void {
    this.#pending.shift()?.();
  }

  flow(): this {
    this.#flowing = true;
    this.read();
    return this;
  }
}

Deno.test("lineWriter writes every line in order", async () => {
  const pipe = new Pipe().flow();
  const writer = lineWriter(pipe);
  for (let count = 0; count < 3; count++) writer.write(`line ${count}\n`);
  await writer.flush();
  assert.equal(pipe.text, "line 0\nline 1\nline 2\n");
});

Deno.test("lineWriter goes on after a write that took only a part, within characters too", async () => {
  const pipe = new Pipe(1).flow();
  const writer = lineWriter(pipe);
  writer.write("ä€😀\n");
  writer.write("next\n");
  await writer.flush();
  assert.equal(pipe.text, "ä€😀\nnext\n");
});

Deno.test("lineWriter.flush settles only when all is written, and at once when nothing waits", async () => {
  const pipe = new Pipe();
  const writer = lineWriter(pipe);
  await writer.flush();
  writer.write("a\n");
  let flushed = false;
  const flushing = writer.flush().then(() => flushed = true);
  await settled();
  assert.equal(flushed, false);
  pipe.flow();
  await flushing;
  assert.equal(pipe.text, "a\n");
});

Deno.test("lineWriter loses no line that comes while a write is just finishing", async () => {
  for (let turns = 0; turns < 10; turns++) {
    const pipe = new Pipe();
    const writer = lineWriter(pipe);
    writer.write("first\n");
    pipe.flow();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    writer.write("second\n");
    await writer.flush();
    assert.equal(pipe.text, "first\nsecond\n", `after ${turns} turns`);
  }
});

Deno.test("lineWriter loses the oldest lines of a reader that stopped, and says how many", async () => {
  const pipe = new Pipe();
  const writer = lineWriter(pipe);
  writer.write("in the pipe\n");
  for (let count = 0; count < 10_025; count++) writer.write(`${count}\n`);
  pipe.flow();
  await writer.flush();
  const lines = pipe.text.split("\n");
  assert.deepEqual(lines.slice(0, 3), ["in the pipe", "(25 lines were lost: nobody read them)", "25"]);
  assert.deepEqual(lines.slice(-2), ["10024", ""]);
  writer.write("and on\n");
  await writer.flush();
  assert(pipe.text.endsWith("10024\nand on\n"));
});

Deno.test("lineWriter bounds the memory that a few long lines may take", async () => {
  const pipe = new Pipe();
  const writer = lineWriter(pipe);
  writer.write("in the pipe\n");
  const long = `${"x".repeat(10 * 1024 * 1024)}\n`;
  for (let count = 0; count < 5; count++) writer.write(long);
  writer.write("short\n");
  pipe.flow();
  await writer.flush();
  assert.equal(pipe.text, `in the pipe\n(4 lines were lost: nobody read them)\n${long}short\n`);
  for (const line of ["a\n", long, "c\n"]) writer.write(line);
  await writer.flush();
  assert(pipe.text.endsWith(`short\na\n${long}c\n`));
});

Deno.test("lineWriter writes a line that is longer than the bound", async () => {
  const pipe = new Pipe();
  const writer = lineWriter(pipe);
  writer.write("in the pipe\n");
  const long = `${"x".repeat(17 * 1024 * 1024)}\n`;
  writer.write("lost\n");
  writer.write(long);
  pipe.flow();
  await writer.flush();
  assert.equal(pipe.text, `in the pipe\n(1 lines were lost: nobody read them)\n${long}`);
});

Deno.test("lineWriter survives a closed output, at once and later", async () => {
  const faults = [
    () => Promise.reject(new Deno.errors.BrokenPipe()),
    () => {
      throw new Deno.errors.BadResource();
    },
  ];
  for (const write of faults) {
    const writer = lineWriter({ write });
    writer.write("a\n");
    await writer.flush();
    writer.write("b\n");
    await writer.flush();
  }
});

Deno.test("lineWriter writes again when the output recovers", async () => {
  const pipe = new Pipe().flow();
  let broken = true;
  const writer = lineWriter({
    write: (bytes) => broken ? Promise.reject(new Deno.errors.Interrupted()) : pipe.write(bytes),
  });
  writer.write("lost\n");
  await writer.flush();
  broken = false;
  writer.write("heard\n");
  await writer.flush();
  assert.equal(pipe.text, "heard\n");
});
