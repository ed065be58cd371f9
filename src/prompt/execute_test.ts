import assert from "node:assert/strict";
import { runtimeRig } from "../../tests/support/runtime_rig.ts";
import { RequestError } from "../core/errors.ts";
import type { Runtime } from "../overrides/runtime.ts";
import { execute } from "./execute.ts";
import { parseCommand } from "./parse_command.ts";
import { PromptError } from "./prompt_error.ts";
import type { PromptTarget } from "./target.ts";

interface Asked {
  /** What is said to a question; undefined is nothing. */
  readonly secret?: string | undefined;
  readonly ask?: () => never;
  readonly hidden?: Set<string>;
  readonly target?: Partial<PromptTarget>;
}

/** What a line comes to, with the questions before it. */
async function done(
  line: string,
  runtimes: Readonly<Record<string, Runtime>>,
  { secret, ask, target, hidden = new Set() }: Asked = {},
): Promise<{ text: string; questions: string[]; stops: string[] }> {
  const [questions, stops] = [new Array<string>(), new Array<string>()];
  const whole: PromptTarget = {
    runtimes: () => new Map(Object.entries(runtimes)),
    config: () => Promise.resolve("port = 80\n"),
    stop: (reason) => void stops.push(reason),
    ...target,
  };
  const askSecret = (question: string) => {
    ask?.();
    questions.push(question);
    return Promise.resolve(secret);
  };
  const text = await execute(parseCommand(line), whole, { askSecret, hidden });
  return { text, questions, stops };
}

async function refusal(
  line: string,
  runtimes: Readonly<Record<string, Runtime>>,
  asked: Asked = {},
): Promise<string> {
  const error = await done(line, runtimes, asked).then(() => undefined, (error: unknown) => error);
  assert(error instanceof PromptError || error instanceof RequestError, `${line}: ${error}`);
  return error.message;
}

Deno.test("execute sets defaults of the only server, and tells what is set without secrets", async () => {
  await using rig = runtimeRig();
  const { runtime } = rig;
  const { text } = await done("env set LEVEL=debug API_KEY=s3cret", { runtime });
  assert.equal(
    text,
    'Set is now {"env":{"LEVEL":"debug","API_KEY":"[REDACTED]"}}: live 0, restart 0, kept 0\n',
  );
  await done("args -- --verbose", { runtime });
  await done("env unset API_KEY", { runtime });
  assert.deepEqual(rig.overrides.defaults.value, {
    ...{ args: ["--verbose"], env: { LEVEL: "debug", API_KEY: null } },
  });
  assert.equal(
    (await done("show", { runtime })).text,
    'runtime  {"args":["--verbose"],"env":{"LEVEL":"debug","API_KEY":null}}\n',
  );
  await done("args clear", { runtime });
  assert.equal(rig.overrides.defaults.value.args, null);
  assert.match((await done("clear", { runtime })).text, /^Set is now nothing: /);
});

Deno.test("execute reaches a session by its id or the beginning, and restarts and ends it", async () => {
  await using rig = runtimeRig();
  const { runtime } = rig;
  await rig.visit("abcd-1");
  await rig.visit("abce-2");
  const { text } = await done("env set LEVEL=debug --session abcd --restart now", { runtime });
  assert.match(text, /: live 0, restart 1, kept 0\n$/);
  await rig.replayed();
  assert.deepEqual(rig.launched().at(-1)?.env, { LEVEL: "debug" });
  assert.equal(
    (await done("show --session abcd-1", { runtime })).text,
    'abcd-1  {"env":{"LEVEL":"debug"}}\n',
  );
  assert.match(
    (await done("sessions", { runtime })).text,
    /^abcd-1 {2}fake, websocket, tester 1\.2\.3, .*with settings of its own\nabce-2 {2}fake, websocket, tester/,
  );
  assert.match((await done("clear --session abcd --restart never", { runtime })).text, /^Set is now nothing/);
  assert.equal(
    (await done("restart --session abce", { runtime })).text,
    "Its server is opened again as soon as no request is open\n",
  );
  await rig.replayed();
  assert.equal(
    (await done("restart --session abce --restart now", { runtime })).text,
    "Its server is opened again\n",
  );
  await rig.replayed();
  assert.equal((await done("end --session abce-2", { runtime })).text, "The session is ended\n");
  assert.equal(
    await refusal("show --session abc", { runtime }),
    "--session abc: there is no such session; sessions lists those that there are",
  );
});

Deno.test("execute asks which session or server is meant where it may be several", async () => {
  await using one = runtimeRig();
  await using other = runtimeRig();
  const runtimes = { files: one.runtime, far: other.runtime };
  await one.visit("abcd-1");
  await other.visit("abcd-2");
  await other.visit("abcd-22");
  const cases: [string, RegExp][] = [
    ["env set A=1", /^Expected --server NAME or --session ID: the servers are files, far$/],
    ["env set A=1 --server fals", /^--server fals: there is none; the servers are files, far$/],
    ["end --session abcd", /^--session abcd: more than one session begins so; /],
    ["end --session abcd-2 --server files", /^--session abcd-2: there is no such session; /],
  ];
  for (const [line, expected] of cases) assert.match(await refusal(line, runtimes), expected);
  assert.match((await done("show --session abcd-2", runtimes)).text, /^abcd-2 /);
  await done("env set A=1 --server far", runtimes);
  await done("env set B=2 --session abcd-1 --restart never", runtimes);
  assert.equal((await done("show", runtimes)).text, 'files  nothing\nfar  {"env":{"A":"1"}}\n');
  assert.match((await done("sessions --server far", runtimes)).text, /^abcd-2 [^\n]*\nabcd-22 [^\n]*\n$/);
  assert.equal((await done("show --session abcd-1", runtimes)).text, 'abcd-1  {"env":{"B":"2"}}\n');
});

Deno.test("execute asks for secrets, and not before it is sure that they can be set", async () => {
  await using rig = runtimeRig({ liveHeaders: true });
  const { runtime } = rig;
  const { text, questions } = await done("bearer", { runtime }, { secret: "s3cret" });
  assert.deepEqual(questions, ["Token: "]);
  assert.match(text, /^Set is now {"headers":{"authorization":"\[REDACTED]"}}: /);
  assert.deepEqual(rig.overrides.defaults.value, { headers: { authorization: "Bearer s3cret" } });
  await done("header set X-Tenant", { runtime }, { secret: "blue" });
  assert.deepEqual(rig.overrides.defaults.value, {
    headers: { "authorization": "Bearer s3cret", "x-tenant": "blue" },
  });
  for (const secret of [undefined, ""]) {
    assert.equal((await done("bearer", { runtime }, { secret })).text, "Nothing is changed\n");
  }
  assert.equal(
    await refusal("bearer", { runtime }, { secret: "with spaces" }),
    "bearer: expected one token without spaces, or null",
  );
  const never: Asked = {
    ask() {
      throw new Error("it was asked for");
    },
  };
  assert.match(await refusal("env set A", { runtime }, never), /^env: this server is a remote/);
  assert.match(await refusal("header set Host", { runtime }, never), /^headers\.Host: is set by Keystone/);
  assert.match(await refusal("bearer --session none", { runtime }, never), /^--session none: there is no/);
});

Deno.test("execute never shows what it has asked for, whatever its name", async () => {
  await using remote = runtimeRig({ liveHeaders: true });
  await using command = runtimeRig();
  await command.visit("abcd-1");
  const runtimes = { far: remote.runtime, near: command.runtime };
  const hidden = new Set<string>();
  const lines = [
    "header set X-Tenant --server far",
    "env set SHADE --server near --restart never",
    "env set SHADE --session abcd-1 --restart never",
    "env set LEVEL=debug --server near --restart never",
    "show",
    "show --session abcd",
  ];
  for (const line of lines) {
    const { text } = await done(line, runtimes, { secret: "s3cret", hidden });
    assert.match(text, /"(x-tenant|SHADE)":"\[REDACTED]"/, line);
    assert(!text.includes("s3cret"), line);
  }
  await done("env unset SHADE --server near", runtimes, { hidden });
  assert.match((await done("show --server near", runtimes, { hidden })).text, /"SHADE":null,"LEVEL":"debug"/);
});

Deno.test("execute tells each problem of what is refused, and no value", async () => {
  await using rig = runtimeRig({ liveHeaders: true });
  const message = await refusal('header set "Host: s3cret" "b d: s3cret"', { runtime: rig.runtime });
  assert.match(message, /^headers\.Host: .*\nheaders\.b…: expected the name of a header$/);
});

Deno.test("execute tells a change that the session cannot have as the endpoint does", async () => {
  await using rig = runtimeRig({ children: "shared" });
  await rig.join("abcd-1");
  assert.match(
    await refusal("env set A=1 --session abcd", { runtime: rig.runtime }),
    /^The session shares its server with others: set it for all/,
  );
});

Deno.test("execute reads the configuration anew, tells it, stops and helps", async () => {
  await using rig = runtimeRig();
  const { runtime } = rig;
  const reloaded = async (outcome: Awaited<ReturnType<NonNullable<PromptTarget["reload"]>>>) =>
    (await done("reload", { runtime }, { target: { reload: () => Promise.resolve(outcome) } })).text;
  const nothing = { kind: "applied", added: [], changed: [], removed: [], later: [] } as const;
  assert.equal(await reloaded(nothing), "Applied: nothing is another than before\n");
  assert.equal(
    await reloaded({ ...nothing, changed: ["files"], later: ["log", "admin"] }),
    "Applied: changed: files; at the next start: log, admin\n",
  );
  assert.equal(
    await reloaded({ kind: "refused", problems: ["a.toml:1: wrong", "a.toml:2: wrong, too"] }),
    "Nothing is changed:\n  a.toml:1: wrong\n  a.toml:2: wrong, too\n",
  );
  assert.match(await refusal("reload", { runtime }), /^reload: there is no configuration file/);
  assert.equal((await done("config", { runtime })).text, "port = 80\n");
  assert.deepEqual((await done("quit", { runtime })).stops, ["quit at the prompt"]);
  assert.equal((await done("", { runtime })).text, "");
  const { text } = await done("help", { runtime });
  for (const word of ["env set K=V", "args --", "bearer", "--restart idle|now|never", "Ctrl-D"]) {
    assert(text.includes(word), word);
  }
});
