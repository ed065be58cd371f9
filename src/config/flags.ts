import { Command, CommanderError, Option } from "commander";
import { flagName } from "../base/option_name.ts";
import { ConfigError } from "../core/errors.ts";
import { foreignFlagHint } from "./foreign_flags.ts";
import { COMMON_HEADING, dressHelp } from "./help.ts";
import { commandHint, isOperand, readOperand } from "./operands.ts";
import { type DescribedOption, optionEntries, type OptionKey, type RawOptions } from "./options.ts";

/** What a command line asks for: a text to print, or values that are still as they were written. */
export type Flags =
  | { kind: "help"; text: string }
  | { kind: "version"; text: string }
  | { kind: "values" } & FlagValues;

interface FlagValues {
  readonly values: RawOptions;
  readonly url?: URL;
  /** The file that is named, or whether none is to be looked for. */
  readonly config?: string | false;
}

const MAX_SHOWN = 40; // a flag in an error message; the message stays one line

/** Reads flags by the table of options; nothing is printed and nothing exits. */
export function readFlags(args: readonly string[], version: string): Flags {
  const printed: string[] = [];
  const program = createProgram(version).configureOutput({
    writeOut: (text) => printed.push(text),
    writeErr: () => {}, // the same text is thrown as a CommanderError
  });
  try {
    program.parse(withoutEquals(withSwitchesSet(args), program.options), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return outcomeOf(error, printed.join("").trimEnd(), { args, operands: program.args });
  }
  const { url, file } = readOperand(program.args, isUnquotedLine(args));
  const given = program.opts<Record<string, unknown>>();
  if (args.includes("--no-config") && args.some((arg) => /^--config(?:=|$)/.test(arg))) {
    throw new ConfigError("--config: expected one file or --no-config, but both are given");
  }
  const config = readConfigFlag(given.config, file);
  return {
    kind: "values",
    values: rawOptions(given),
    ...url && { url },
    ...config !== undefined && { config },
  };
}

/** Several flags are one too many, and so are a flag and an operand. */
function readConfigFlag(value: unknown, operand: string | undefined): string | false | undefined {
  if (value === true) throw new ConfigError("--config: expected <file> after it");
  const named = [...Array.isArray(value) ? value.map(String) : [], ...operand === undefined ? [] : [operand]];
  if (value === false && named.length === 0) return false;
  if (named.length > 1 || value === false) {
    const given = [...named, ...value === false ? ["--no-config"] : []].join(" and ");
    throw new ConfigError(`--config: expected one file, but ${given} are given`);
  }
  return named[0];
}

function createProgram(version: string): Command {
  const program = new Command("keystone").exitOverride().argument("[operands...]");
  for (const [key, meta] of commonFirst()) {
    program.addOption(flagOf(key, meta));
    if (isSwitch(meta)) program.addOption(noFlagOf(key, meta));
  }
  for (const option of configFlags()) program.addOption(option.helpGroup("Configuration:"));
  program.optionsGroup("About:").version(version, "--version", "print the version and exit");
  return dressHelp(program.helpOption("-h, --help", "print this help and exit"));
}

/** Where values are to be found, and none of them. */
function configFlags(): Option[] {
  const file = new Option(
    "--config [file]",
    "file with options and servers (TOML, YAML, JSON); by default keystone.toml or its like, here or in the " +
      "user's folder for configuration; --no-config looks for none",
  );
  return [file.argParser(collect), new Option("--no-config").hideHelp()];
}

/** The order of the help. */
function commonFirst(): [OptionKey, DescribedOption][] {
  const entries = optionEntries();
  return [...entries.filter(([, { common }]) => common), ...entries.filter(([, { common }]) => !common)];
}

function headingOf({ group, common }: DescribedOption): string {
  return common ? COMMON_HEADING : `${group}:`;
}

/**
 * To commander every value is optional. It then leaves the flag that follows a forgotten value alone, as yargs does,
 * where a required value would swallow it.
 */
function flagOf(key: OptionKey, meta: DescribedOption): Option {
  const names = kebab(key) === key ? `--${key}` : `--${kebab(key)}, --${key}`;
  const option = new Option(
    `${names} ${meta.list === "greedy" ? "[values...]" : "[value]"}`,
    meta.description.replace(/\{(\w+)\}/g, (_, named: string) => flagName(named)),
  );
  if (meta.bare !== undefined) option.preset(meta.bare);
  if (meta.list === "repeated" || meta.list === "commas" || meta.single) option.argParser(collect);
  return option.helpGroup(headingOf(meta));
}

/** Turns a switch off; the help tells of it once for all switches. */
function noFlagOf(key: OptionKey, meta: DescribedOption): Option {
  return new Option(`--no-${kebab(key)}`).hideHelp().helpGroup(headingOf(meta));
}

function collect(value: string, earlier: unknown): string[] {
  return [...(Array.isArray(earlier) ? earlier : []), value];
}

/** To commander a switch takes whatever follows; a URL and a file of servers are none of its values. */
function withSwitchesSet(args: readonly string[]): string[] {
  const switches = optionEntries().flatMap(([key, meta]) =>
    isSwitch(meta) ? [`--${key}`, `--${kebab(key)}`] : []
  );
  return args.map((arg, at) => switches.includes(arg) && isOperand(args[at + 1] ?? "") ? `${arg}=true` : arg);
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

interface Line {
  readonly args: readonly string[];
  readonly operands: readonly string[];
}

function outcomeOf(error: CommanderError, text: string, line: Line): Flags {
  if (error.code === "commander.helpDisplayed") return { kind: "help", text };
  if (error.code === "commander.version") return { kind: "version", text };
  const [, flag] = /^error: unknown option '([\w.-]+)/.exec(error.message) ?? [];
  const [, similar] = /\(Did you mean (.+)\?\)$/.exec(error.message) ?? [];
  if (flag === undefined) throw error;
  const hint = unknownHint(flag, line) ?? (similar === undefined ? "see --help" : `did you mean ${similar}?`);
  throw new ConfigError(`${flag.slice(0, MAX_SHOWN)}: unknown flag, ${hint}`);
}

/** A flag that is not ours is the server's own, or one that another gateway has. */
function unknownHint(flag: string, { args, operands }: Line): string | undefined {
  if (!isUnquotedLine(args)) return commandHint(operands) ?? foreignFlagHint(flag);
  return flag.startsWith("--")
    ? foreignFlagHint(flag)
    : "quote the whole line after --stdio, or put the command after --";
}

/** As in `--stdio npx -y server`: only the first word is the value. */
function isUnquotedLine(args: readonly string[]): boolean {
  return args.some((arg, at) => arg === "--stdio" && /^\S+$/.test(args[at + 1] ?? ""));
}

function rawOptions(values: Readonly<Record<string, unknown>>): RawOptions {
  const entries = optionEntries().map(([key, meta]) => [key, rawValue(key, meta, values[key])] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function rawValue(key: OptionKey, meta: DescribedOption, value: unknown): unknown {
  if (value === true) throw new ConfigError(`--${key}: expected ${meta.value} after it`);
  if (meta.single && Array.isArray(value)) return singleValue(key, value.map(String));
  if (meta.list !== "commas" || !Array.isArray(value)) return value;
  return value.flatMap((names) => String(names).split(",")).map((name) => name.trim());
}

/** An empty value counts as not given. */
function singleValue(key: OptionKey, values: readonly string[]): string | undefined {
  const [first, second] = values.filter((value) => value.trim() !== "");
  if (second === undefined) return first ?? values.at(-1);
  throw new ConfigError(
    `--${key}: given ${values.length} times, expected one server; several stand in a file, see --config`,
  );
}

function isSwitch(meta: DescribedOption): boolean {
  return meta.value === undefined;
}

function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
