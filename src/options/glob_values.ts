/** Patterns for names, as options have them. */
import * as z from "zod";
import { glob, GlobError } from "../base/glob.ts";
import { duration, readFromText } from "./values.ts";

/** A pattern, and whether a name fits. A function alone could not be compared with that of another configuration. */
export interface NamePattern {
  readonly pattern: string;
  readonly matches: (name: string) => boolean;
}

export function globs() {
  return z.array(readFromText(expected, patternIn));
}

/** A time for what fits a pattern, as `search_*=2m`; `none` is no limit. */
export function timesByGlob() {
  return z.array(readFromText(expectedTime, timeIn));
}

export interface TimeByName extends NamePattern {
  /** Undefined is no limit. */
  readonly ms: number | undefined;
}

function expected(text: string): string {
  return `expected a pattern of names, such as read_*${faultOf(text)}`;
}

function expectedTime(text: string): string {
  const pattern = /^(.+)=[^=]*$/.exec(text)?.[1] ?? "";
  return `expected a pattern of tools and a time, such as search_*=2m, or none for no limit${
    faultOf(pattern)
  }`;
}

function faultOf(text: string): string {
  try {
    glob(text);
    return "";
  } catch (error) {
    return error instanceof GlobError ? `, but ${error.message}` : "";
  }
}

function patternIn(text: string): NamePattern | undefined {
  if (text === "") return undefined;
  try {
    return { pattern: text, matches: glob(text) };
  } catch (error) {
    if (error instanceof GlobError) return undefined;
    throw error;
  }
}

const time = duration({ min: 1 });

function timeIn(text: string): TimeByName | undefined {
  const [, named = "", limit = ""] = /^(.+)=([^=]*)$/.exec(text) ?? [];
  const pattern = patternIn(named);
  if (!pattern) return undefined;
  if (limit === "none") return { ...pattern, ms: undefined };
  const { data: ms } = time.safeParse(limit);
  return ms === undefined ? undefined : { ...pattern, ms };
}
