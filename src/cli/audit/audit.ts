/** `keystone audit`: looks after audit logs. */
import { basename, dirname, join } from "node:path";
import { ConfigError, GatewayError, messageOf } from "../../core/errors.ts";
import { isHeld } from "../../observe/audit/audit_file.ts";
import type { Link } from "../../observe/audit/chain.ts";
import { type AuditFile, type Finding, type Verdict, verify } from "../../observe/audit/verify.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { readOwnFlags } from "../daemon/own_flags.ts";
import { AUDIT_HELP } from "./help.ts";

export async function run(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const [word = "", ...rest] = args;
  if (word !== "verify") {
    if (word !== "--help" && word !== "-h") throw unknownAction(word);
    context.stdout.write(AUDIT_HELP);
    return 0;
  }
  const flags = { expect: { type: "string" }, json: { type: "boolean" } } as const;
  const given = readOwnFlags("audit", rest, { flags, operands: 1 });
  if (given.on("help")) {
    context.stdout.write(AUDIT_HELP);
    return 0;
  }
  const [path = ""] = given.operands;
  if (path === "") throw new ConfigError("keystone audit verify: expected the file of an audit log");
  const expected = given.text("expect");
  return await verified(path, { ...context, expected: expected && linkOf(expected), json: given.on("json") });
}

interface Asked extends CommandContext {
  readonly expected: Link | undefined | "";
  readonly json: boolean;
}

async function verified(path: string, { stdout, stderr, expected, json }: Asked): Promise<ExitCode> {
  const paths = await pathsOf(path);
  const verdict = await verdictOn(paths, { expected: expected || undefined, isHeld: await isHeld(path) });
  const { faults, faultCount, notes, lines, first, last } = verdict;
  const isGood = faultCount === 0;
  if (json) {
    const links = { first: shownLink(first), last: shownLink(last) };
    stdout.write(
      `${
        JSON.stringify({ ok: isGood, files: paths, lines, ...links, faults, faultCount, notes }, undefined, 2)
      }\n`,
    );
    return isGood ? 0 : 1;
  }
  for (const finding of faults) stderr.write(`${findingText(finding)}\n`);
  if (faultCount > faults.length) stderr.write(`… and ${faultCount - faults.length} more\n`);
  for (const finding of notes) stderr.write(`Note: ${findingText(finding)}\n`);
  stdout.write(`${isGood ? goodText(verdict, paths.length) : `${path}: not as written`}\n`);
  return isGood ? 0 : 1;
}

async function verdictOn(paths: readonly string[], options: Parameters<typeof verify>[1]): Promise<Verdict> {
  try {
    return await verify(paths.map((path): AuditFile => ({ path, lines: linesOf(path) })), options);
  } catch (cause) {
    throw new GatewayError(messageOf(cause), { cause });
  }
}

/** Those that were put aside go before, the oldest first. */
async function pathsOf(path: string): Promise<string[]> {
  const older: number[] = [];
  try {
    if ((await Deno.stat(path)).isDirectory) throw new Error("it is a folder, expected a file");
    for await (const { name } of Deno.readDir(dirname(path))) {
      const [, number] = name.startsWith(`${basename(path)}.`) ? /\.(\d{1,6})$/.exec(name) ?? [] : [];
      if (number !== undefined && name === `${basename(path)}.${number}`) older.push(Number(number));
    }
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(cause);
    throw new ConfigError(`keystone audit verify ${JSON.stringify(path)}: ${why}`, { cause });
  }
  const numbers = older.sort((one, other) => other - one);
  return [...numbers.map((number) => join(dirname(path), `${basename(path)}.${number}`)), path];
}

/** The last one has no newline behind it. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  using file = await Deno.open(path);
  for await (const text of file.readable.pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }))) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  yield rest;
}

function linkOf(text: string): Link {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new ConfigError(
    `--expect ${
      JSON.stringify(text.slice(0, 100))
    }: expected the number of a line and its hash, as 12:9f86d0…`,
  );
}

function shownLink(link: Link | undefined): Link | undefined {
  return link && { seq: link.seq, hash: link.hash };
}

function findingText({ file, line, text }: Finding): string {
  return file === "" ? text : `${file}:${line}: ${text}`;
}

function goodText({ lines, first, last }: Verdict, files: number): string {
  const what = `${counted(lines, "line")} of ${counted(files, "file")} ${
    lines === 1 ? "is" : "are"
  } as written`;
  return `${what}: ${first?.seq} to ${last?.seq} of the chain\nThe last one is ${last?.seq}:${last?.hash}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function unknownAction(word: string): ConfigError {
  const given = word === "" ? "" : ` ${JSON.stringify(word.slice(0, 40))}`;
  return new ConfigError(`keystone audit${given}: expected verify; see keystone audit --help`);
}
