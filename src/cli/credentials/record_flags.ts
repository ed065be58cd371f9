/** What the commands for keys and for users have in common: their flags, which file is meant, and how they tell. */
import { type RecordOption, recordPath } from "../../authenticators.ts";
import { SCOPE } from "../../auth/authenticator.ts";
import { RECORD_NAME, type RecordFile } from "../../auth/record_file.ts";
import { flagName } from "../../base/option_name.ts";
import { variableOf } from "../../config/mod.ts";
import { ConfigError, GatewayError, messageOf } from "../../core/errors.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { type GivenFlags, readOwnFlags, type Spec } from "../daemon/own_flags.ts";

export interface Action {
  readonly flags: Spec;
  readonly operands: number;
  readonly run: (given: GivenFlags, context: CommandContext) => Promise<void> | void;
}

interface Actions {
  /** The word before that of the action. */
  readonly command: string;
  readonly option: RecordOption;
  readonly help: string;
  readonly actions: ReadonlyMap<string, Action>;
}

/** Runs the action that the first word names. Throws ConfigError for wrong usage. */
export async function runAction(
  { command, option, help, actions }: Actions,
  [word = "", ...rest]: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  const action = actions.get(word);
  if (!action && word !== "--help" && word !== "-h") throw unknownAction(command, word, [...actions.keys()]);
  const given = action && readRecordFlags(command, option, rest, action);
  if (!given || given.on("help")) context.stdout.write(help);
  else await action?.run(given, context);
  return 0;
}

/** Throws ConfigError for a flag that the command does not have. */
export function readRecordFlags(
  command: string,
  option: RecordOption,
  args: readonly string[],
  { flags, operands }: Pick<Action, "flags" | "operands"> = { flags: {}, operands: 0 },
): GivenFlags {
  const file: Spec = { [option]: { type: "string" }, [kebab(option)]: { type: "string" } };
  return readOwnFlags(command, args, { flags: { ...file, ...flags }, operands, ofGateway: false });
}

/** By the flags, else by the environment as serving reads it, else the user's own. */
export async function recordFileOf(option: RecordOption, given: GivenFlags): Promise<string> {
  const named = given.text(option) ?? given.text(kebab(option));
  if (named === "") throw new ConfigError(`${flagName(option)}: expected a file`);
  return await recordPath(option, {
    path: named ?? (Deno.env.get(variableOf(option)) || undefined),
    stateDir: given.stateDir,
  });
}

/** Throws GatewayError that names the file, and ConfigError as `change` does. */
export async function changeRecords<T>(
  path: string,
  file: RecordFile<T>,
  change: (records: readonly T[]) => readonly T[],
): Promise<void> {
  try {
    await file.change(path, change);
  } catch (cause) {
    throw cause instanceof ConfigError ? cause : unusable(path, cause);
  }
}

/** As `changeRecords`. */
export function readRecords<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/** The path stands behind, without a colon: what follows `api-keys.json:` or `key "ci":` is taken for a secret. */
function unusable(path: string, cause: unknown): GatewayError {
  return new GatewayError(`${messageOf(cause)} (${path})`, { cause });
}

/** Throws ConfigError for what is no name; `what` is where it was expected. */
export function recordNameOf(text: string | undefined, what: string): string {
  if (text !== undefined && RECORD_NAME.test(text)) return text;
  const shown = text === undefined ? "" : ` ${JSON.stringify(text.slice(0, 80))}`;
  throw new ConfigError(
    `${what}${shown}: expected a name: letters, digits, -, _ and ., a letter or digit first, 64 at most`,
  );
}

/** Throws ConfigError for what is no scope. */
export function scopesOf(given: GivenFlags): string[] {
  return given.texts("scope").map((text) => {
    if (SCOPE.test(text)) return text;
    const shown = JSON.stringify(text.slice(0, 80));
    throw new ConfigError(`--scope ${shown}: expected visible characters without quotes and backslashes`);
  });
}

/** The first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

function unknownAction(command: string, word: string, words: readonly string[]): ConfigError {
  const given = word === "" ? "" : ` ${JSON.stringify(word.slice(0, 40))}`;
  const known = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  return new ConfigError(`keystone ${command}${given}: expected ${known}; see keystone ${command} --help`);
}

function kebab(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
