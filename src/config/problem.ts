/** What is wrong with a configuration, in words for who has written it. */
import type * as z from "zod";
import { ConfigError } from "../core/errors.ts";
import { type FilePosition, type Given, type Layered, shownValue } from "./layers.ts";
import type { OptionKey, Options } from "./options.ts";

export interface Problem {
  /** The option that it is about, where that is one. */
  readonly option?: OptionKey;
  /** One line that names the option, the value and what is allowed. */
  readonly text: string;
  /** Where that is a file. */
  readonly at?: FilePosition;
  readonly cause?: unknown;
}

/** Where each value by itself is right. */
export interface ParsedOptions extends Layered {
  readonly values: Options;
}

const MAX_SHOWN = 80; // a refused value in a message, which stays one line

/** Names the option and its value, or where in a list the value stands if it may be a secret. */
export function invalidValue(layered: Layered, issue: z.core.$ZodIssue): Problem {
  const option = String(issue.path[0]) as OptionKey;
  // A list as a whole is judged by its first value.
  const index = Array.isArray(layered.raw[option]) ? Number(issue.path[1] ?? 0) : undefined;
  const given = layered.givenBy(option, index);
  const shown = shownValue(layered, option, index);
  const value = shown ? ` ${shorten(shown.value)}` : placeInList(option, given);
  const text = `${given?.name ?? layered.nameOf(option)}${value}: ${issue.message}`;
  return { option, text, ...given?.at && { at: given.at } };
}

/** What has a name of its own needs none. */
function placeInList(option: OptionKey, given: Given | undefined): string {
  const list = given?.layer.values[option];
  const isOneOfMany = Array.isArray(list) && list.length > 1;
  return given && isOneOfMany && given.name === undefined ? ` (value ${given.index + 1})` : "";
}

/** The value of an option for a message, with a blank in front; nothing where it is not to be shown. */
export function shownIn(given: Layered, key: OptionKey): string {
  const shown = shownValue(given, key);
  return shown ? ` ${shorten(shown.value)}` : "";
}

export function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** With where it is, for who looks at several files or at a long one. */
export function problemLine({ at, text }: Problem): string {
  return at ? `${at.file}:${at.line}:${at.column}: ${text}` : text;
}

/** All of them as one error, one a line. */
export function configError(problems: readonly Problem[]): ConfigError {
  return new ConfigError(problems.map(problemLine).join("\n"), { cause: problems[0]?.cause });
}
