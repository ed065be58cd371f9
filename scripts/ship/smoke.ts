// deno-lint-ignore-file no-console -- a script reports to the terminal
/**
 * Tries what was built, on the system that it is for: `smoke.ts -- dist/keystone-linux-x64`. All words behind `--` start
 * it. `--server 'node /echo.mjs'` has it serve that, where it cannot start this machine's Deno; its tool `echo` is called.
 */
import { parseArgs } from "node:util";
import { ROOT } from "../run_deno.ts";
import { connectV2 } from "../../tests/support/clients.ts";
import { TextLog } from "../../tests/support/keystone.ts";
import { messageOf } from "../../src/core/errors.ts";
import { VERSION } from "./release_version.ts";
import { exitCodeOf, ShipError } from "./ship_error.ts";

interface Tried {
  /** Starts the artefact. */
  readonly command: readonly string[];
  /** The command line of the server that it is to serve; ours by default. */
  readonly server: string | undefined;
}

const WRONG_FLAG = "--frobnicate";

/** Throws ShipError for the first thing that is not as it should be. */
export async function smoke(tried: Tried, report: (line: string) => void): Promise<void> {
  await tellsItsVersion(tried);
  report(`--version is ${VERSION}`);
  await refusesAWrongFlag(tried);
  report("a wrong flag is told in one line, with code 2");
  await using served = await serving(tried);
  report(`it serves ${served.mcp}`);
  await callsATool(served.mcp);
  report("a tool answers over HTTP");
  await served.stop();
  report("it stops in good order, with code 0");
}

async function tellsItsVersion(tried: Tried): Promise<void> {
  const { code, stdout, stderr } = await ran(tried, ["--version"]);
  if (code !== 0 || stdout !== `${VERSION}\n`) {
    throw new ShipError(
      `--version: expected ${VERSION} with code 0, and it was ${shown({ code, stdout, stderr })}`,
    );
  }
}

async function refusesAWrongFlag(tried: Tried): Promise<void> {
  const { code, stdout, stderr } = await ran(tried, [WRONG_FLAG]);
  const oneLine = /^[^\n]*--frobnicate[^\n]*\n$/.test(stderr);
  if (code !== 2 || stdout !== "" || !oneLine) {
    throw new ShipError(
      `${WRONG_FLAG}: expected one line on stderr with code 2, and it was ${shown({ code, stdout, stderr })}`,
    );
  }
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ran({ command }: Tried, flags: readonly string[]): Promise<Ended> {
  const [program = "", ...words] = command;
  const started = new Deno.Command(program, { args: [...words, ...flags], stdin: "null", env: ENVIRONMENT });
  const { code, stdout, stderr } = await orMissing(program, () => started.output());
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

const ENVIRONMENT = { NO_COLOR: "1" };

async function orMissing<T>(program: string, start: () => T | Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) {
      throw error;
    }
    throw new ShipError(`${program} cannot be started: ${error.message}`, { cause: error });
  }
}

interface Served extends AsyncDisposable {
  readonly mcp: string;
  /** Throws ShipError where it does not end with code 0. */
  stop(): Promise<void>;
}

async function serving({ command, server }: Tried): Promise<Served> {
  const [program = "", ...words] = command;
  const started = new Deno.Command(program, {
    args: [...words, "--no-config", "--host", "127.0.0.1", "--port", "0", ...servedFlags(server)],
    ...{ stdin: BY_STDIN ? "piped" : "null", stdout: "piped", stderr: "piped", env: ENVIRONMENT },
  });
  const child = await orMissing(program, () => started.spawn());
  const [out, log] = [new TextLog(child.stdout), new TextLog(child.stderr)];
  let ended = false;
  const end = async () => {
    if (ended) return 0;
    ended = true;
    await askToStop(child);
    await Promise.all([out.ended, log.ended]);
    return (await child.status).code;
  };
  const banner = await out.matching(/\n}\n/).catch(async () => {
    await end();
    throw new ShipError(
      `It did not start serving: ${shown({ code: -1, stdout: out.text, stderr: log.text })}`,
    );
  });
  return {
    mcp: /Streamable HTTP +(\S+)/.exec(banner)?.[1] ?? "",
    async stop() {
      const code = await end();
      if (code !== 0) throw new ShipError(`It ended with code ${code} in place of 0:\n${log.text.trimEnd()}`);
    },
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}

/** Windows has no signal that asks: there the end of a piped stdin does. */
const BY_STDIN = Deno.build.os === "windows";

async function askToStop(child: Deno.ChildProcess): Promise<void> {
  if (BY_STDIN) return await child.stdin.close();
  try {
    child.kill("SIGTERM");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended by itself
  }
}

function servedFlags(server: string | undefined): string[] {
  return server === undefined
    ? ["--", Deno.execPath(), "run", "-A", `${ROOT}/tests/fixtures/scripted_server.ts`]
    : ["--stdio", server];
}

async function callsATool(mcp: string): Promise<void> {
  const text = crypto.randomUUID();
  const answer = JSON.stringify(await echoed(mcp, text));
  if (!answer.includes(text)) throw new ShipError(`The tool did not answer with ${text}: ${answer}`);
}

async function echoed(mcp: string, text: string): Promise<unknown> {
  try {
    await using connected = await connectV2({ mcp, sse: "", ws: "" });
    return await connected.client.callTool({ name: "echo", arguments: { text } });
  } catch (cause) {
    throw new ShipError(`The tool could not be called: ${messageOf(cause)}`, { cause });
  }
}

function shown({ code, stdout, stderr }: Ended): string {
  return `${code < 0 ? "" : `code ${code}, `}stdout ${JSON.stringify(stdout)}, stderr ${
    JSON.stringify(stderr)
  }`;
}

function readArgs(args: readonly string[]): Tried {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const command = args.slice(end + 1);
  if (command.length === 0) throw new ShipError("Nothing to try: expected -- and the command that starts it");
  try {
    const { values } = parseArgs({ args: args.slice(0, end), options: { server: { type: "string" } } });
    return { command, server: values.server };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // how parseArgs refuses an argument
    throw new ShipError(`${error.message}. Allowed: --server <command line>`, { cause: error });
  }
}

/** Returns the exit code. */
export function main(args: readonly string[]): Promise<number> {
  return exitCodeOf(() => smoke(readArgs(args), (line) => console.log(`ok ${line}`)));
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
