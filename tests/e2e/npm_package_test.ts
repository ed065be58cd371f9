/** The npm package, as two generations of npm install it, and the end of it, from wherever that comes. */
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client";
// @ts-types="@modelcontextprotocol/sdk/client/stdio"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import config from "../../deno.json" with { type: "json" };
import { inTime } from "../contract/deadline.ts";
import { descendants, eventually, SCRIPTED, startKeystone, TextLog } from "../support/keystone.ts";
import { HAS_NPM, type Installed, packed, signal } from "../support/npm_package.ts";
import { running } from "../support/processes.ts";
import { HAS_TERMINALS, onTerminal, quoted } from "../support/pseudo_terminal.ts";
import { beginSession, callTool, initialize, messagesOf, post } from "../support/rpc.ts";

const NPX = ["npx", "--yes", "keystone-mcp"] as const;
const PATIENT = ["--shutdownTimeout", "100s"];
const STOPPED = { success: true, code: 0, signal: null };

Deno.test({
  name: "npm package serves, and ends, as whoever starts it means (needs node and npm, and no Windows)",
  ignore: !HAS_NPM,
  async fn(t) {
    await using tarball = await packed();
    const old = await tarball.install("10.9.9");
    const step = (name: string, run: () => Promise<void>, ignore = false) =>
      t.step({ name, ignore, fn: () => inTime(run(), name) });
    await step("npm 10: its client calls tools by npx", () => callByNpx(old));
    await step("npm 10: SIGTERM to npx ends all", () => endsAll(old, NPX, "SIGTERM"));
    await step("npm 10: SIGKILL to npx ends all", () => endsAll(old, NPX, "SIGKILL"));
    await step("what was started is told, and arguments cross untouched", () => tellsHowItWasStarted(old));
    await step("Deno that is not there is told in one line", () => missesDeno(old));
    await forLatest(await tarball.install("11.19.1"), step);
  },
});

type Step = (name: string, run: () => Promise<void>, ignore?: boolean) => Promise<unknown>;

async function forLatest(latest: Installed, step: Step): Promise<void> {
  const { bin } = latest;
  await step("npm 11: its client calls tools by npx", () => callByNpx(latest));
  await step("npm 11: SIGTERM to npx ends all", () => endsAll(latest, NPX, "SIGTERM"));
  await step("npm 11: SIGKILL to npx ends all", () => endsAll(latest, NPX, "SIGKILL"));
  await step("codes of the end pass", () => passesCodes(latest));
  await step("the end of stdin is the end", () => endsWithStdin(latest));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    await step(`${signal} stops it in good order`, () => stopsBySignal(latest, signal));
  }
  await step("SIGUSR2 tells of open calls", () => tellsOpenCalls(latest));
  await step("SIGUSR1 is for the program, and opens no debugger", () => diesBySignal(latest));
  await step("SIGKILL leaves nothing", () => endsAll(latest, [bin], "SIGKILL"));
  await step("a program that a signal ends takes it along", () => diesAsProgram(latest));
  await step("--exitWithParent ends it with its launcher", () => followsLauncher(latest));
  await step("SIGTERM to all of them has open calls finished", () => finishesOnSignalToAll(latest));
  await step("one Ctrl-C under npx has open calls finished", () => finishesOnCtrlC(latest), !HAS_TERMINALS);
}

/** As the configuration of a chat client has it: one entry for a remote server, one for a command. */
async function callByNpx({ folder, env }: Installed): Promise<void> {
  await using far = await startKeystone([], { server: SCRIPTED });
  const [command, ...args] = NPX;
  const mcpServers = {
    far: { command, args: [...args, far.mcp] },
    near: { command, args: [...args, "--outputTransport", "stdio", "--", ...SCRIPTED] },
  };
  for (const entry of Object.values(mcpServers)) {
    const client = new Client({ name: "keystone-test", version: "1.0.0" });
    const transport = new StdioClientTransport({ ...entry, env, cwd: folder, stderr: "ignore" });
    await client.connect(transport);
    const { structuredContent } = await client.callTool({ name: "echo", arguments: { said: "hello" } });
    assert.equal((structuredContent as { said: unknown }).said, "hello");
    const processes = await processesOf(transport.pid);
    await client.close();
    await allEnded(processes);
  }
}

async function processesOf(pid: number | null): Promise<number[]> {
  assert(pid !== null);
  return [pid, ...await descendants(pid)];
}

async function allEnded(processes: readonly number[]): Promise<void> {
  await eventually(() => running(processes), (left) => left.length === 0);
}

async function endsAll(
  { serve }: Installed,
  [program = "", ...words]: readonly string[],
  name: Deno.Signal,
): Promise<void> {
  await using serving = await serve(program, ...words);
  await beginSession(serving.mcp);
  const processes = await serving.processes();
  // At least the bin, the program and its server.
  assert(processes.length >= 3, `${processes}`);
  serving.signal(name);
  await allEnded(processes);
  await serving.log.matching(/Gateway stopped/);
}

/** Has the program tell what came of it. */
async function tellsHowItWasStarted({ folder, bin, run }: Installed): Promise<void> {
  await Deno.writeTextFile(
    `${folder}/node_modules/keystone-mcp/keystone.js`,
    'console.log(JSON.stringify([Deno.env.get("KEYSTONE_COMMAND"), ...Deno.args]));',
  );
  const args = ["--said=a b", "", "*", "$HOME", `'"`, "\\", "--", "--version"];
  const started = { [bin]: [bin], [JSON.stringify(["npx", "-y", "keystone-mcp"])]: NPX };
  for (const [command, [program = "", ...words]] of Object.entries(started)) {
    const { stdout, stderr } = await run(program, ...words, ...args);
    assert.deepEqual(JSON.parse(stdout), [command, ...args], stderr);
  }
}

async function missesDeno({ folder, bin, run }: Installed): Promise<void> {
  const platforms = await Array.fromAsync(Deno.readDir(`${folder}/node_modules/@deno`));
  const name = `@deno/${platforms.map(({ name }) => name).join()}`;
  const executable = `${folder}/node_modules/${name}/deno`;
  // As a program of glibc where there is none: what would load it is missing.
  await Deno.writeTextFile(executable, "#!/no/such/loader\n");
  const unloadable = { code: 1, stdout: "", stderr: `keystone: ${executable} is not made for this system\n` };
  assert.deepEqual(await run(bin, "--version"), unloadable);
  await Deno.remove(`${folder}/node_modules/${name}`, { recursive: true });
  const { code, stdout, stderr } = await run(bin, "--version");
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, new RegExp(`^keystone: npm's package ${name}, .*--include=optional.*\\n$`));
}

async function passesCodes({ run, bin }: Installed): Promise<void> {
  for (const [program = "", ...words] of [[bin], NPX]) {
    assert.deepEqual(await run(program, ...words, "--version"), {
      code: 0,
      stdout: `${config.version}\n`,
      stderr: "",
    });
    const { code, stdout, stderr } = await run(program, ...words, "--bogus");
    assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
    assert.match(stderr, /^keystone: --bogus: [^\n]+\n$/);
  }
}

async function endsWithStdin({ folder, env, bin }: Installed): Promise<void> {
  const child = new Deno.Command(bin, {
    args: ["--outputTransport", "stdio", "--", ...SCRIPTED],
    ...{ cwd: folder, env, clearEnv: true, stdin: "piped", stdout: "piped", stderr: "null" },
  }).spawn();
  const said = new TextLog(child.stdout);
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(`${JSON.stringify(initialize())}\n`));
  await said.matching(/"serverInfo"/);
  const processes = await processesOf(child.pid);
  await stdin.close();
  assert.deepEqual({ ...await child.status }, STOPPED);
  await allEnded(processes);
}

async function stopsBySignal({ serve, bin }: Installed, name: Deno.Signal): Promise<void> {
  await using serving = await serve(bin);
  await beginSession(serving.mcp);
  const processes = await serving.processes();
  serving.signal(name);
  assert.deepEqual({ ...await serving.status }, STOPPED);
  await serving.log.ended;
  assert.match(serving.log.text, new RegExp(`Gateway is stopping reason=${name} [^]*Gateway stopped`));
  assert.doesNotMatch(serving.log.text, /Stopped at once/);
  await allEnded(processes);
}

async function tellsOpenCalls({ serve, bin }: Installed): Promise<void> {
  await using serving = await serve(bin);
  serving.signal("SIGUSR2");
  await serving.log.matching(/Open calls: 0/);
}

/** As it would end the program alone. */
async function diesBySignal({ serve, bin }: Installed): Promise<void> {
  await using serving = await serve(bin);
  serving.signal("SIGUSR1");
  assert.notEqual((await serving.status).code, 0);
  assert.doesNotMatch(serving.log.text, /Debugger/);
}

async function diesAsProgram({ serve, bin }: Installed): Promise<void> {
  await using serving = await serve(bin);
  const [, program = 0] = await serving.processes();
  Deno.kill(program, "SIGKILL");
  assert.equal((await serving.status).signal, "SIGKILL");
}

/** The launcher is a shell that does nothing but wait. */
async function followsLauncher(latest: Installed): Promise<void> {
  await endsAll(latest, ["sh", "-c", '"$@" & wait', "sh", latest.bin, "--exitWithParent"], "SIGKILL");
}

/** As a service manager ends what it has started; npm's shell ends first, and that is no second request to stop. */
async function finishesOnSignalToAll({ serve }: Installed): Promise<void> {
  const [program, ...words] = NPX;
  await using serving = await serve(program, ...words, ...PATIENT);
  const processes = await serving.processes();
  await finishesOpenCall(serving.mcp, () => {
    for (const pid of processes) signal(pid, "SIGTERM");
  });
  await serving.log.matching(/Gateway stopped/);
  await allEnded(processes);
}

/** The terminal sends it to npx, to npm's shell, to the bin and to the program, and some hand it on. */
async function finishesOnCtrlC({ folder, env }: Installed): Promise<void> {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const flags = ["--port", "0", "--stateful", "--no-try-at-start", ...PATIENT];
  const words = ["env", "-i", ...variables, ...NPX, ...flags, "--", ...SCRIPTED];
  // The shell of the terminal stays: its end would hang up.
  await using terminal = onTerminal(`cd ${quoted([folder])}; trap : INT; ${quoted(words)}; read _`);
  const { screen, type } = terminal;
  const [, mcp = ""] = /Streamable HTTP +(\S+)/.exec(await screen.matching(/\n}\r?\n/)) ?? [];
  await finishesOpenCall(mcp, () => type("\x03"));
  await screen.matching(/Gateway stopped/);
  await type("\n");
}

/** The call outlives the time in which a second signal is still the first, and the one in which an orphan notices. */
async function finishesOpenCall(mcp: string, stop: () => unknown): Promise<void> {
  const session = await beginSession(mcp);
  const call = callTool(1, "sleep_loudly", { ms: 3_000 }, { progressToken: 1 });
  const messages = messagesOf(await post(mcp, call, { session }));
  assert.equal((await messages.next()).value.method, "notifications/progress");
  await stop();
  assert.equal((await messages.next()).value.result.structuredContent.slept, 3_000);
}
