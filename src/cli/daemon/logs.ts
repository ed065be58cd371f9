/** `keystone logs`. */
import { ConfigError } from "../../core/errors.ts";
import { wholeNumber } from "../../options/values.ts";
import { StateFolder } from "../../state/mod.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { helpOf } from "./help.ts";
import { notRunning } from "./known_gateway.ts";
import { follow, lastLines, openEnd } from "./log_tail.ts";
import { readOwnFlags } from "./own_flags.ts";

const LINES = "100";

const FLAGS = {
  lines: { type: "string", short: "n" },
  follow: { type: "boolean", short: "f" },
} as const;

export async function run(args: readonly string[], { stdout, stderr }: CommandContext): Promise<ExitCode> {
  const given = readOwnFlags("logs", args, { flags: FLAGS });
  if (given.on("help")) {
    stdout.write(helpOf("logs"));
    return 0;
  }
  const lines = readCount(given.text("lines") ?? LINES);
  const folder = await StateFolder.open(given.stateDir);
  const path = await pathOf(folder, given.name);
  const end = path === undefined ? undefined : await openEnd(path);
  if (path === undefined || !end) {
    stderr.write(path === undefined ? toStderr(given.name) : await notRunning(folder, given.name));
    return 1;
  }
  await printed(async () => {
    await writeOut(await lastLines(path, end, lines));
    if (given.on("follow")) await follow(path, end, { write: writeOut, signal: interruption() });
    else end[Symbol.dispose]();
  });
  return 0;
}

/** As `head` does, its reader may have had enough. */
async function printed(print: () => Promise<void>): Promise<void> {
  try {
    await print();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Of one that has ended, too; undefined where the log goes to stderr. */
async function pathOf(folder: StateFolder, name: string): Promise<string | undefined> {
  const record = await folder.read(name);
  return record ? record.log : folder.fileOf(name, "log");
}

/** Waits until somebody has read it, which our line writer does not. */
async function writeOut(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

function interruption(): AbortSignal {
  const stop = new AbortController();
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const name of signals) Deno.addSignalListener(name, () => stop.abort());
  return stop.signal;
}

function toStderr(name: string): string {
  return `Gateway "${name}" writes its log to stderr: who runs it has that, as journalctl does\n`;
}

/** Throws ConfigError. */
function readCount(text: string): number {
  const result = wholeNumber({ min: 0, max: 1_000_000 }).safeParse(text);
  if (result.success) return result.data;
  throw new ConfigError(`--lines ${JSON.stringify(text)}: ${result.error.issues[0]?.message}`);
}
