/** What is wrong with a configuration, in words for who has written it. */
import type * as z from "zod";
import { ConfigError } from "../core/errors.ts";
import type { Layered } from "./layers.ts";
import { findOption, type OptionKey, type Options } from "./options.ts";

export interface Problem {
  /** The option that it is about, where that is one. */
  readonly option?: OptionKey;
  /** One line that names the option, the value and what is allowed. */
  readonly text: string;
  readonly cause?: unknown;
}

/** Where each value by itself is right. */
export interface ParsedOptions extends Layered {
  readonly values: Options;
}

const MAX_SHOWN = 80; // a refused value in a message, which stays one line

/** Names the option and its value, or where in a list the value stands if it may be a secret. */
export function invalidValue({ raw, nameOf }: Layered, issue: z.core.$ZodIssue): Problem {
  const [key = "", index = "0"] = issue.path.map(String);
  const value = raw[key as OptionKey];
  const position = Array.isArray(value) && value.length > 1 ? ` (value ${Number(index) + 1})` : "";
  const refused = Array.isArray(value) ? value[Number(index)] : value;
  const shown = findOption(key)?.secret ? position : ` ${shorten(refused)}`;
  return { option: key as OptionKey, text: `${nameOf(key)}${shown}: ${issue.message}` };
}

export function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** All of them as one error, one a line. */
export function configError(problems: readonly Problem[]): ConfigError {
  return new ConfigError(problems.map(({ text }) => text).join("\n"), { cause: problems[0]?.cause });
}
