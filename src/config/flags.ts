import { Command, CommanderError, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import { dressHelp } from "./help.ts";
import { optionEntries, type OptionKey, type OptionMeta, type RawOptions } from "./options.ts";

/** What a command line asks for: a text to print, or values that are still as they were written. */
export type Flags =
  | { kind: "help"; text: string }
  | { kind: "version"; text: string }
  | { kind: "values"; values: RawOptions };

const MAX_SHOWN = 40; // an argument in an error message; the message stays one line

/** Reads flags by the table of options; nothing is printed and nothing exits. */
export function readFlags(args: readonly string[], version: string): Flags {
  const printed: string[] = [];
  const program = createProgram(version).configureOutput({
    writeOut: (text) => printed.push(text),
    writeErr: () => {}, // the same text is thrown as a CommanderError
  });
  try {
    program.parse(withoutEquals(args, program.options), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return outcomeOf(error, printed.join("").trimEnd(), args);
  }
  refuseOperands(program.args);
  return { kind: "values", values: rawOptions(program.opts<Record<string, unknown>>()) };
}

function createProgram(version: string): Command {
  const program = new Command("keystone").exitOverride().argument("[operands...]");
  for (const [key, meta] of optionEntries()) {
    program.addOption(flagOf(key, meta));
    if (isSwitch(meta)) program.addOption(noFlagOf(key, meta));
  }
  program.optionsGroup("About:").version(version, "--version", "print the version and exit");
  return dressHelp(program.helpOption("-h, --help", "print this help and exit"));
}

/**
 * To commander every value is optional. It then leaves the flag that follows a forgotten value alone, as yargs does,
 * where a required value would swallow it.
 */
function flagOf(key: OptionKey, meta: OptionMeta): Option {
  const names = kebab(key) === key ? `--${key}` : `--${kebab(key)}, --${key}`;
  const option = new Option(
    `${names} ${meta.list === "greedy" ? "[values...]" : "[value]"}`,
    meta.description,
  );
  if (meta.bare !== undefined) option.preset(meta.bare);
  if (meta.list === "repeated" || meta.list === "commas") option.argParser(collect);
  return option.helpGroup(`${meta.group}:`);
}

/** Turns a switch off; the help tells of it once for all switches. */
function noFlagOf(key: OptionKey, meta: OptionMeta): Option {
  return new Option(`--no-${kebab(key)}`).hideHelp().helpGroup(`${meta.group}:`);
}

function collect(value: string, earlier: unknown): string[] {
  return [...(Array.isArray(earlier) ? earlier : []), value];
}

/**
 * Writes `--list=a b` as `--list a b`, since commander lets a list go on after a space alone and yargs after both, and
 * takes the value off an unknown flag, which would hide its name from the search for a similar one.
 */
function withoutEquals(args: readonly string[], known: readonly Option[]): string[] {
  return args.flatMap((arg) => {
    const [, flag, value] = /^(--[^=]+)=([^]*)$/.exec(arg) ?? [];
    if (flag === undefined || value === undefined) return [arg];
    const option = known.find(({ short, long }) => short === flag || long === flag);
    if (option === undefined) return [flag];
    return option.variadic && !value.startsWith("-") ? [flag, value] : [arg];
  });
}

function outcomeOf(error: CommanderError, text: string, args: readonly string[]): Flags {
  if (error.code === "commander.helpDisplayed") return { kind: "help", text };
  if (error.code === "commander.version") return { kind: "version", text };
  const [, flag] = /^error: unknown option '([\w.-]+)/.exec(error.message) ?? [];
  const [, similar] = /\(Did you mean (.+)\?\)$/.exec(error.message) ?? [];
  if (flag === undefined) throw error;
  const hint = similar === undefined ? unknownHint(args, flag) : `did you mean ${similar}?`;
  throw new ConfigError(`${flag.slice(0, MAX_SHOWN)}: unknown flag, ${hint}`);
}

/** Keystone has one short flag: any other after `--stdio` is mostly the server's own, as in `--stdio npx -y server`. */
function unknownHint(args: readonly string[], flag: string): string {
  return args.includes("--stdio") && !flag.startsWith("--")
    ? "quote the whole line after --stdio, or put the command after --"
    : "see --help";
}

/** An operand is mostly the rest of an unquoted line; what follows "=" in it may be a secret. */
function refuseOperands([operand]: readonly string[]): void {
  if (operand === undefined) return;
  const shown = operand.replace(/[=\s][^]*$/, "…").slice(0, MAX_SHOWN);
  throw new ConfigError(
    `Unexpected argument ${
      JSON.stringify(shown)
    }: quote the whole line after --stdio, or put the command after --`,
  );
}

function rawOptions(values: Readonly<Record<string, unknown>>): RawOptions {
  const entries = optionEntries().map(([key, meta]) => [key, rawValue(key, meta, values[key])] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function rawValue(key: OptionKey, meta: OptionMeta, value: unknown): unknown {
  if (value === true) throw new ConfigError(`--${key}: expected ${meta.value} after it`);
  if (meta.list !== "commas" || !Array.isArray(value)) return value;
  return value.flatMap((names) => String(names).split(",")).map((name) => name.trim());
}

function isSwitch(meta: OptionMeta): boolean {
  return meta.value === undefined;
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
