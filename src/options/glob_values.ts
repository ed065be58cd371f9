/** Patterns for names, as options have them. */
import * as z from "zod";
import { glob, GlobError, patternsIn } from "../base/glob.ts";
import { duration, readFromText } from "./values.ts";

/** A pattern, and whether a name fits. A function alone could not be compared with that of another configuration. */
export interface NamePattern {
  readonly pattern: string;
  readonly matches: (name: string) => boolean;
}

/** Each text may hold several, joined by commas. */
export function globs() {
  return listsOf("expected a pattern of names, such as read_*", patternIn);
}

/** A time for what fits a pattern, as `search_*=2m`; `none` and `0` are no limit. */
export function timesByGlob() {
  return listsOf(
    "expected a pattern of tools and a time, such as search_*=2m, or none for no limit",
    timeIn,
  );
}

/** Whatever `read` makes of each, where commas stand as in patterns. */
export function listsOf<T>(expected: string, read: (text: string) => T | undefined) {
  return z.array(readFromText((text) => expected + faultOf(text), everyIn(read)))
    .transform((lists) => lists.flat());
}

interface TimeByName extends NamePattern {
  /** Undefined is no limit. */
  readonly ms: number | undefined;
}

/** Undefined where one of them cannot be read: a pattern less would hide less. */
function everyIn<T>(read: (text: string) => T | undefined): (text: string) => T[] | undefined {
  return (text) => {
    const values = unlessFaulty(() => patternsIn(text))?.map(read);
    return values?.every((value) => value !== undefined) ? values : undefined;
  };
}

function unlessFaulty<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GlobError) return undefined;
    throw error;
  }
}

function faultOf(text: string): string {
  try {
    for (const pattern of patternsIn(text)) glob(pattern);
    return "";
  } catch (error) {
    if (error instanceof GlobError) return `, but ${error.message}`;
    throw error;
  }
}

/** Undefined for what is none. */
export function patternIn(text: string): NamePattern | undefined {
  const matches = text === "" ? undefined : unlessFaulty(() => glob(text));
  return matches && { pattern: text, matches };
}

const time = duration({ min: 1 });
const NO_LIMIT = /^(none|0(ms|s|m|h)?)$/i;

function timeIn(text: string): TimeByName | undefined {
  const [, named = "", limit = ""] = /^(.+)=([^=]*)$/.exec(text) ?? [];
  const pattern = patternIn(named);
  if (!pattern) return undefined;
  if (NO_LIMIT.test(limit)) return { ...pattern, ms: undefined };
  const { data: ms } = time.safeParse(limit);
  return ms === undefined ? undefined : { ...pattern, ms };
}
