import assert from "node:assert/strict";
import { recorder } from "../../../tests/support/recorder.ts";
import type { GatewayEvent } from "../../core/events.ts";
import { ConfigError } from "../../core/errors.ts";
import { AuditTrail } from "./audit_trail.ts";
import { readLine } from "./chain.ts";
import { type Finding, type Verdict, verify } from "./verify.ts";

class Folder implements AsyncDisposable {
  readonly path = `${Deno.makeTempDirSync()}/audit.log`;

  async open(more: { maxBytes?: number; keep?: number } = {}) {
    const record = recorder();
    const options = { maxBytes: 1_000_000, keep: 3, version: "1.2.3", ...more };
    const trail = await AuditTrail.open({ path: this.path, emit: record.emit, ...options });
    return { trail, ...record };
  }

  /** One gateway, in which so many calls are made. */
  async run(calls: number, more: { maxBytes?: number; keep?: number } = {}): Promise<void> {
    const { trail } = await this.open(more);
    for (let id = 1; id <= calls; id++) trail.hear(call(id));
    await trail[Symbol.asyncDispose]();
  }

  text(suffix = ""): string {
    return Deno.readTextFileSync(this.path + suffix);
  }

  lines(suffix = ""): string[] {
    return this.text(suffix).split("\n").slice(0, -1);
  }

  write(lines: readonly string[], suffix = ""): void {
    Deno.writeTextFileSync(this.path + suffix, lines.map((line) => `${line}\n`).join(""));
  }

  async verdict(suffixes: readonly string[] = [""]): Promise<Verdict> {
    const files = suffixes.map((suffix) => ({ path: suffix, lines: streamed(this.text(suffix)) }));
    return await verify(files, { isHeld: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path.replace(/\/[^/]*$/, ""), { recursive: true });
  }
}

async function* streamed(text: string): AsyncGenerator<string> {
  yield* await Promise.resolve(text.split("\n"));
}

function call(id: number): GatewayEvent {
  return {
    ...{ type: "request.finished", session: "s", direction: "up", id, method: "tools/call", tool: "echo" },
    ...{ outcome: "result", durationMs: 1.2345, requestSize: 10, answerSize: 20, principal: "apiKey/ci" },
  };
}

const texts = (findings: readonly Finding[]) => findings.map(({ line, text }) => `${line}: ${text}`);

Deno.test("AuditTrail chains each line to the one before, and goes on after a restart", async () => {
  await using folder = new Folder();
  await folder.run(2);
  await folder.run(1);
  const read = folder.lines().map((line) => readLine(line));
  assert.deepEqual(read.map((line) => [line?.seq, line?.event, line?.intact]), [
    [1, "audit.opened", true],
    [2, "tool.call", true],
    [3, "tool.call", true],
    [4, "audit.closed", true],
    [5, "audit.opened", true],
    [6, "tool.call", true],
    [7, "audit.closed", true],
  ]);
  assert(read.every((line, index) => index === 0 || line?.prev === read[index - 1]?.hash));
  const { seq: _, time, prev: __, hash: ___, ...fields } = read[1]!.fields;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.deepEqual(fields, {
    ...{ event: "tool.call", session: "s", id: 1, tool: "echo", principal: "apiKey/ci", outcome: "result" },
    ...{ ms: 1.23, requestSize: 10, answerSize: 20 },
  });
  assert.equal(read[4]?.fields.before, "in order");
  const { faults, notes, lines } = await folder.verdict();
  assert.deepEqual([faults, notes, lines], [[], [], 7]);
  if (Deno.build.os !== "windows") assert.equal(((await Deno.stat(folder.path)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("verify finds what was changed, removed, inserted, moved or cut, and says where", async (t) => {
  await using folder = new Folder();
  await folder.run(6);
  const lines = folder.lines();
  const forged = (index: number) => lines[index]!.replace("echo", "evil");
  const cases: [string, readonly string[], RegExp][] = [
    ["an edit", lines.with(3, forged(3)), /^4: line 4 of the chain was changed$/],
    [
      "an edit of the last line",
      lines.with(7, lines[7]!.replace("closed", "opened")),
      /^8: line 8 .* changed$/,
    ],
    ["an edit of the hash", lines.with(2, lines[2]!.replace(/"hash":"./, '"hash":"z')), /^3: it is no line/],
    ["a removed line", lines.toSpliced(4, 1), /^5: line 5 of the chain is missing before it$/],
    ["several removed lines", lines.toSpliced(2, 3), /^3: lines 3 to 5 of the chain are missing before it$/],
    [
      "a line that stands there twice",
      lines.toSpliced(4, 0, lines[2]!),
      /^5: line 3 .* stands behind line 4/,
    ],
    ["another text", lines.toSpliced(4, 0, "hello"), /^5: it is no line of an audit log$/],
    ["an empty line", lines.toSpliced(4, 0, ""), /^5: it is no line of an audit log$/],
    [
      "lines that were swapped",
      lines.with(2, lines[3]!).with(3, lines[2]!),
      /^3: line 3 .* missing before it$/,
    ],
  ];
  for (const [what, changed, expected] of cases) {
    await t.step(what, async () => {
      folder.write(changed);
      assert.match(texts((await folder.verdict()).faults)[0] ?? "none", expected);
    });
  }
});

Deno.test("verify tells of a line that was made anew with its hash that it does not fit", async () => {
  await using folder = new Folder();
  await folder.run(3);
  const own = folder.lines();
  // Another chain, whatever the time is: it has one more start.
  await using other = new Folder();
  await other.run(0);
  await other.run(3);
  folder.write(own.with(2, other.lines()[2]!));
  assert.match(
    texts((await folder.verdict()).faults)[0] ?? "",
    /^3: line 3 of the chain does not follow the one/,
  );
});

Deno.test("verify finds a cut tail where the end is missing, and by a line that was noted elsewhere", async () => {
  await using folder = new Folder();
  await folder.run(3);
  const lines = folder.lines();
  const last = readLine(lines.at(-1)!)!;
  folder.write(lines.slice(0, 3));
  const { faults, notes } = await folder.verdict();
  assert.deepEqual(faults, []);
  assert.match(notes[0]?.text ?? "", /does not end as a gateway ends .* or lines behind it were cut off/);
  const files = [{ path: folder.path, lines: streamed(folder.text()) }];
  const expecting = await verify(files, { isHeld: false, expected: last });
  assert.match(expecting.faults[0]?.text ?? "", /line 5 of the chain, which is expected, is not there$/);
  const wrong = await verify([{ path: folder.path, lines: streamed(folder.text()) }], {
    ...{ isHeld: false, expected: { seq: 2, hash: "f".repeat(64) } },
  });
  assert.deepEqual(texts(wrong.faults), ["2: line 2 of the chain has another hash than is expected"]);
  const changed = folder.text().replace('"seq":2,', '"seq":2,"more":1,');
  const edited = await verify([{ path: folder.path, lines: streamed(changed) }], {
    ...{ isHeld: false, expected: readLine(lines[1]!)! },
  });
  // It has the hash that is expected: that is not what is wrong with it.
  assert.deepEqual(texts(edited.faults), ["2: line 2 of the chain was changed"]);
  await Deno.writeTextFile(folder.path, folder.text().slice(0, -20));
  assert.match((await folder.verdict()).faults[0]?.text ?? "", /ends within a line/);
});

Deno.test("AuditTrail goes on in a new file when one is full, and the chain with it", async () => {
  await using folder = new Folder();
  for (let run = 0; run < 6; run++) await folder.run(3, { maxBytes: 1_500, keep: 20 });
  const entries = await Array.fromAsync(Deno.readDir(folder.path.replace(/\/[^/]*$/, "")));
  const names = entries.map(({ name }) => name);
  const suffixes = names.flatMap((name) => /^audit\.log(\.\d+)$/.exec(name)?.[1] ?? []);
  const ordered = suffixes.sort((one, other) => Number(other.slice(1)) - Number(one.slice(1)));
  assert(ordered.length > 2, names.join(" "));
  for (const suffix of [...ordered, ""]) assert(folder.text(suffix).length <= 1_500);
  const whole = await folder.verdict([...ordered, ""]);
  assert.deepEqual([whole.faults, whole.notes, whole.lines], [[], [], 30]);
  // One is missing in the middle, and of another the tail.
  const gap = await folder.verdict([...ordered.toSpliced(1, 1), ""]);
  assert.match(gap.faults[0]?.text ?? "", /missing before it/);
  folder.write(folder.lines(ordered[1]).slice(0, -1), ordered[1]);
  assert.match((await folder.verdict([...ordered, ""])).faults[0]?.text ?? "", /is missing before it/);
  // Without the oldest it is told that there were others.
  const rest = await folder.verdict(ordered.slice(2).concat(""));
  assert.deepEqual(rest.faults, []);
  assert.match(rest.notes[0]?.text ?? "", /begins with line \d+ of the chain/);
});

Deno.test("AuditTrail goes on behind the last file where the newest has nothing yet", async () => {
  await using folder = new Folder();
  await folder.run(1);
  await Deno.rename(folder.path, `${folder.path}.1`);
  await folder.run(1);
  assert.equal(readLine(folder.lines()[0]!)?.seq, 4);
  assert.deepEqual((await folder.verdict([".1", ""])).faults, []);
});

Deno.test("AuditTrail tells of a line that a killed gateway has left unfinished, and the chain goes on", async () => {
  await using folder = new Folder();
  await folder.run(2);
  const cut = folder.text().slice(0, -50);
  await Deno.writeTextFile(folder.path, cut);
  const { trail, told } = await folder.open();
  await trail[Symbol.asyncDispose]();
  const [opened] = told("audit.opened");
  assert.equal(opened?.state, "without an end");
  assert.equal(opened?.torn, cut.length - cut.lastIndexOf("\n") - 1);
  const { faults, notes } = await folder.verdict();
  assert.deepEqual(faults, []);
  assert.deepEqual(texts(notes), [
    "4: a line was not finished when its gateway was killed",
    "5: the gateway before line 4 of the chain did not stop in order",
  ]);
  // Nobody can put another text in its place.
  folder.write(folder.lines().with(3, "{}"));
  assert.deepEqual(texts((await folder.verdict()).faults), ["4: it is no line of an audit log"]);
});

Deno.test("AuditTrail refuses a file that another one has, or that holds something else, with the way out", async () => {
  await using folder = new Folder();
  const { trail } = await folder.open();
  const refusal = (pattern: RegExp) => (error: Error) => {
    assert(error instanceof ConfigError);
    assert.match(error.message, /^--auditLog "/);
    assert.match(error.message, pattern);
    return true;
  };
  await assert.rejects(folder.open(), refusal(/another gateway writes to it; name another file/));
  await trail[Symbol.asyncDispose]();
  await folder.run(0);
  folder.write([...folder.lines(), "2026-11-28 a line of another log"]);
  await assert.rejects(folder.open(), refusal(/last line is none of an audit log; name another file/));
  folder.write([folder.lines()[0]!.replace("1.2.3", "6.6.6")]);
  await assert.rejects(folder.open(), refusal(/not as it was written .*move it away to begin a new chain/));
});

Deno.test("AuditTrail refuses what is new while it cannot be written, tells whoever asks later, and recovers", async () => {
  await using folder = new Folder();
  const log = recorder();
  const late = recorder();
  let isFull = true;
  const output = {
    look: () => Promise.resolve(),
    makeRoom: () => Promise.resolve(),
    async write(bytes: Uint8Array) {
      if (isFull) throw new Error("No space left on device (os error 28)");
      await Deno.writeFile(folder.path, bytes, { append: true });
      return bytes.length;
    },
    close() {},
  };
  const trail = new AuditTrail({ path: folder.path, maxBytes: 1_000, emit: log.emit }, {
    ...{ output, release: () => {}, last: { seq: 0, hash: "0".repeat(64) } },
  });
  trail.hear(call(1));
  await until(() => log.told("audit.trouble").length === 1);
  assert.equal(trail.refusal()?.status, 503);
  assert.doesNotMatch(trail.refusal()?.message ?? "", /space|device|audit\.log/);
  trail.attach(late.emit);
  assert.deepEqual(late.told("audit.trouble").map(({ reason }) => reason), [
    "No space left on device (os error 28)",
  ]);
  trail.hear(call(2));
  isFull = false;
  await until(() => late.told("audit.recovered").length === 1);
  assert.equal(trail.refusal(), undefined);
  await trail[Symbol.asyncDispose]();
  const { faults } = await folder.verdict();
  assert.deepEqual(faults, []);
  assert.deepEqual(folder.lines().map((line) => readLine(line)?.event), [
    ...["tool.call", "tool.call", "audit.recovered", "audit.closed"],
  ]);
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}

Deno.test({
  name: "AuditTrail goes on in a new file where somebody has moved or removed it, and says so",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = new Folder();
    const { trail, told } = await folder.open();
    trail.hear(call(1));
    await until(() => folder.lines().length === 2);
    await Deno.rename(folder.path, `${folder.path}.1`);
    trail.hear(call(2));
    await trail[Symbol.asyncDispose]();
    assert.match(told("warning")[0]?.text ?? "", /was moved or removed, and goes on in a new file/);
    assert.deepEqual((await folder.verdict([".1", ""])).faults, []);
  },
});
