import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { runtimeRig } from "../../tests/support/runtime_rig.ts";
import { MemoryTerminal } from "../../tests/support/terminal.ts";
import { Prompt } from "./prompt.ts";
import type { PromptTarget } from "./target.ts";

const CTRL = { c: "\x03", d: "\x04", e: "\x05", a: "\x01", u: "\x15", y: "\x19" } as const;
const UP = "\x1b[A";

interface PromptRigOptions {
  readonly columns?: number;
  readonly target?: Partial<PromptTarget>;
}

/** A prompt for a remote of which headers can be set. */
function promptRig({ columns = 200, target }: PromptRigOptions = {}) {
  const rig = runtimeRig({ liveHeaders: true });
  const terminal = new MemoryTerminal(columns);
  const input = new PassThrough();
  const stops: string[] = [];
  let interrupts = 0;
  const prompt = new Prompt({
    ...{ input, terminal, emit: rig.emit },
    runtimes: () => new Map([["far", rig.runtime]]),
    config: () => Promise.resolve("port = 80\n"),
    stop: (reason) => void stops.push(reason),
    interrupt: () => void interrupts++,
    ...target,
  });
  return {
    ...{ rig, terminal, prompt, stops, interrupts: () => interrupts },
    type: (keys: string) => void input.write(keys),
    /** Settles with the rows once the last ones match. */
    showing: (pattern: RegExp) => terminal.showing(pattern),
    async [Symbol.asyncDispose]() {
      prompt[Symbol.dispose]();
      input.destroy();
      await rig[Symbol.asyncDispose]();
    },
  };
}

/** A prompt where `config` is answered when the test wants it. */
function slowRig(options: Pick<PromptRigOptions, "columns"> = {}) {
  const [asking, reading] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const config = () => {
    asking.resolve();
    return reading.promise;
  };
  return Object.assign(promptRig({ ...options, target: { config } }), {
    asked: asking.promise,
    answer: reading.resolve,
  });
}

Deno.test("Prompt answers each line below it, and asks for the next one", async () => {
  await using at = promptRig();
  at.type('header set "X-Tenant: blue"\r');
  assert.deepEqual(await at.showing(/kept 0\nkeystone>$/), [
    'keystone> header set "X-Tenant: blue"',
    'Set is now {"headers":{"x-tenant":"blue"}}: live 0, restart 0, kept 0',
    "keystone>",
  ]);
  at.type("\r");
  await at.showing(/keystone>\nkeystone>$/);
  at.type("sho\r");
  assert.deepEqual((await at.showing(/show\?\nkeystone>$/)).slice(3), [
    "keystone> sho",
    "sho: unknown command, did you mean show?",
    "keystone>",
  ]);
  at.type("env set A=1\r");
  await at.showing(/env: this server is a remote[^\n]*\nkeystone>$/);
  at.type("quit\r");
  await at.showing(/The gateway stops\nkeystone>$/);
  assert.deepEqual(at.stops, ["quit at the prompt"]);
});

Deno.test("Prompt does lines one after the other that come at once", async () => {
  await using at = slowRig();
  at.type("config\rsho\rses");
  await at.asked;
  at.prompt.above("INF something happened\n");
  at.answer("port = 80\n");
  assert.deepEqual(await at.showing(/keystone> ses$/), [
    ...["keystone> config", "INF something happened", "port = 80"],
    ...["keystone> sho", "sho: unknown command, did you mean show?", "keystone> ses"],
  ]);
});

Deno.test("Prompt takes what was typed while another line was done as the answer to a question, unseen", async () => {
  await using at = slowRig();
  at.type("config\rbearer\rs3cret\rses");
  await at.asked;
  at.answer("port = 80\n");
  await at.showing(/kept 0\nkeystone> ses$/);
  assert.deepEqual(at.rig.overrides.defaults.value, { headers: { authorization: "Bearer s3cret" } });
  at.type(CTRL.u + UP);
  await at.showing(/\nkeystone> config$/);
  assert(!at.terminal.written.includes("s3c"), at.terminal.written);
});

Deno.test("Prompt draws what was typed meanwhile below the answer, however many rows that has", async () => {
  await using at = slowRig({ columns: 20 });
  const typed = "args -- 1234567890 1234567890 1234567890";
  at.type("config\r" + typed);
  await at.asked;
  at.answer("port = 80\n");
  assert.deepEqual(await at.showing(/90$/), [
    ...["keystone> config", "port = 80"],
    ...`keystone> ${typed}`.match(/.{1,20}/g)!.map((row) => row.trimEnd()),
  ]);
});

Deno.test("Prompt takes what is pasted as if it were typed, however long it is", async () => {
  await using at = promptRig({ columns: 100 });
  const long = "1234567890".repeat(2_000);
  at.type(`args -- ${long}\x7f\x7f`);
  await at.showing(/12345678$/);
  at.type("9\x1b[D\x1b[Dä".padEnd(30, "b") + "\r");
  await at.showing(/a remote[^\n]*\nkeystone>$/);
  at.type(UP);
  await at.showing(/1234567äb+89$/);
  at.type(CTRL.u + "header set 'X-One: pasted here' 'X-Two: and there'\rsho\r");
  await at.showing(/"x-one":"pasted here","x-two":"and there"[^]*did you mean show\?\nkeystone>$/);
});

Deno.test("Prompt shows no secret that it has asked for, and has it in no line to call back", async () => {
  await using at = promptRig();
  at.type("bearer\r");
  await at.showing(/\nToken:$/);
  at.type("s3cr\x7fret");
  at.type("\r");
  await at.showing(/"authorization":"\[REDACTED]"}}: [^\n]*\nkeystone>$/);
  assert.deepEqual(at.rig.overrides.defaults.value, { headers: { authorization: "Bearer s3cret" } });
  at.type(UP);
  await at.showing(/\nkeystone> bearer$/);
  at.type(CTRL.u + CTRL.y);
  assert(!at.terminal.written.includes("s3c"), at.terminal.written);
});

Deno.test("Prompt takes what is pasted behind the question as its answer, unseen", async () => {
  await using at = promptRig();
  at.type("bearer\rs3cret\rsho\r");
  await at.showing(/did you mean show\?\nkeystone>$/);
  assert.deepEqual(at.rig.overrides.defaults.value, { headers: { authorization: "Bearer s3cret" } });
  assert(!at.terminal.written.includes("s3c"), at.terminal.written);
});

Deno.test("Prompt shows stars for what is a secret of a line, as soon as that can be known", async () => {
  await using at = promptRig();
  for (const key of "env set API_TOKEN=s3cret") at.type(key);
  await at.showing(/^keystone> env set API_TOKEN=\*{6}$/);
  at.type("\x1b[D\x1b[DX");
  await at.showing(/^keystone> env set API_TOKEN=\*{7}$/);
  at.type(CTRL.e + "9");
  at.prompt.above("INF something happened\n");
  await at.showing(/\nkeystone> env set API_TOKEN=\*{8}$/);
  assert(!/s3c|ret|X|9/.test(at.terminal.written), at.terminal.written);
  at.type(CTRL.u + "header set X-Key:");
  await at.showing(/\nkeystone> header set X-Key:$/);
  at.type(CTRL.u + "env set URL=https://me:word@host");
  await at.showing(/\nkeystone> env set URL=https:\/\/\*{12}$/);
  at.type(CTRL.u + "bearer cl");
  await at.showing(/\nkeystone> bearer \*\*$/);
  at.type("ear");
  await at.showing(/\nkeystone> bearer clear$/);
});

Deno.test("Prompt does not call lines back that have a secret, and others it does", async () => {
  await using at = promptRig();
  at.type("sessions\r");
  await at.showing(/There is no session\nkeystone>$/);
  at.type('header set "X-Api-Key: s3cret"\rbearer s3cret\r');
  await at.showing(/bearer: expected no token[^]*\nkeystone>$/);
  at.type(UP);
  await at.showing(/\nkeystone> sessions$/);
});

Deno.test("Prompt completes words, names and ids by Tab, and no secret", async () => {
  await using at = promptRig();
  await at.rig.visit("abcd-1");
  at.type("sess\t");
  await at.showing(/keystone> sessions$/);
  at.type("--ser\t");
  await at.showing(/keystone> sessions --server$/);
  at.type("\t");
  await at.showing(/keystone> sessions --server far$/);
  at.type(`${CTRL.u}show --session a\t`);
  await at.showing(/keystone> show --session abcd-1$/);
  at.type(`${CTRL.u}bearer\r`);
  await at.showing(/Token:$/);
  at.type("sess\t");
  at.type("\r");
  await at.showing(/REDACTED[^]*keystone>$/);
  assert.deepEqual(at.rig.overrides.defaults.value, { headers: { authorization: "Bearer sess" } });
});

Deno.test("Prompt has the log above the line that is typed, however many rows that has", async () => {
  for (const length of [0, 5, 9, 10, 11, 29, 30, 31, 49, 50, 51]) {
    await using at = promptRig({ columns: 20 });
    at.prompt.above("the first\n");
    const line = "x".repeat(length);
    at.type(line);
    await at.showing(length === 0 ? /keystone>$/ : /x\s*$/);
    at.prompt.above("the second of the log\n");
    at.type("yz");
    const rows = await at.showing(/y\n?z$/);
    const typed = `keystone> ${line}yz`;
    assert.deepEqual(
      rows,
      ["the first", "the second of the lo", "g", ...(typed.match(/.{1,20}/g) ?? [])],
      line,
    );
  }
});

Deno.test("Prompt leaves the cursor where it is when the log comes", async () => {
  await using at = promptRig({ columns: 20 });
  at.type("12345678901234567890123456789012345");
  await at.showing(/35$|5$/);
  at.type(CTRL.a);
  at.prompt.above("of the log\n");
  at.type("X");
  await at.showing(/> X123/);
  at.type(`${CTRL.e}Z`);
  assert.deepEqual(await at.showing(/Z$/), [
    "of the log",
    "keystone> X123456789",
    "01234567890123456789",
    "012345Z",
  ]);
});

Deno.test("Prompt has the log above the question for a secret, and none of what was typed of it", async () => {
  await using at = promptRig();
  at.type("bearer\r");
  await at.showing(/Token:$/);
  at.type("s3c");
  at.prompt.above("of the log\n");
  assert.deepEqual((await at.showing(/Token:$/)).slice(-2), ["of the log", "Token:"]);
  at.type("ret\r");
  await at.showing(/REDACTED/);
  assert.deepEqual(at.rig.overrides.defaults.value, { headers: { authorization: "Bearer s3cret" } });
  assert(!at.terminal.written.includes("s3c"));
});

Deno.test("Prompt takes Ctrl-C at a question for no answer, and else hands it on", async () => {
  await using at = promptRig();
  at.type("bearer\r");
  await at.showing(/Token:$/);
  at.type(`s3cret${CTRL.c}`);
  await at.showing(/Nothing is changed\nkeystone>$/);
  assert.deepEqual([at.interrupts(), at.rig.overrides.defaults.value], [0, {}]);
  at.type(UP);
  await at.showing(/keystone> bearer$/);
  at.type(`${CTRL.c}z`);
  await at.showing(/z$/);
  assert.equal(at.interrupts(), 1);
  assert(!at.terminal.written.includes("s3c"));
});

Deno.test("Prompt is left by Ctrl-D, and what the log says then is told as without it", async () => {
  for (const before of ["", "bearer\r"]) {
    await using at = promptRig();
    at.type(before);
    await at.showing(before === "" ? /keystone>$/ : /Token:$/);
    at.type(CTRL.d);
    const rows = await at.showing(/The prompt is left, and the gateway goes on/);
    if (before !== "") await at.showing(/gateway goes on[^\n]*\nNothing is changed\n$/);
    at.prompt.above("of the log\n");
    assert.equal(at.terminal.rows.slice(-2)[0], "of the log", rows.join("\n"));
    assert.deepEqual([at.stops, at.interrupts()], [[], 0]);
  }
});

Deno.test("Prompt shows what others say as text alone", async () => {
  await using at = promptRig({ target: { config: () => Promise.resolve("a = \x1b[2J\nb\n") } });
  at.type("config\r");
  assert.deepEqual((await at.showing(/b\nkeystone>$/)).slice(1), ["a = \\u001b[2J", "b", "keystone>"]);
});
