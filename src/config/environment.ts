/** Environment variables as a source of options: `KEYSTONE_MAX_SESSIONS` is `--maxSessions`. */
import { similarName } from "../base/similar.ts";
import type { Layer } from "./layers.ts";
import { findOption, optionEntries, type OptionKey, type RawOptions } from "./options.ts";

const PREFIX = "KEYSTONE_";

/** Names the configuration file. */
export const CONFIG_VARIABLE = `${PREFIX}CONFIG`;

type Variables = Readonly<Record<string, string>>;

/** Read by what starts us in its place, and by no option. */
const OF_LAUNCHERS = [`${PREFIX}CACHE`];

/** What Kubernetes sets in every pod beside a service that is called keystone. */
const OF_SERVICE_LINKS = /^KEYSTONE_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))(_\w+)?$/;
const SERVICE_URL = /^(tcp|udp|sctp):\/\//;

/** An empty value counts as not given. */
export function environmentLayer(variables: Variables): Layer {
  const values = optionEntries().map(([key]) => [key, valueOf(key, variables[variableOf(key)])] as const);
  return {
    origin: "environment",
    values: Object.fromEntries(values.filter(([, value]) => value !== undefined)) as RawOptions,
    nameOf: variableOf,
  };
}

/** `oauth2BearerFile` is `KEYSTONE_OAUTH2_BEARER_FILE`. */
export function variableOf(key: string): string {
  return PREFIX + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** One for each variable that looks like an option of ours and is none. */
export function unknownVariables(variables: Variables): string[] {
  const known = knownVariables();
  return Object.keys(variables).filter((name) => name.startsWith(PREFIX) && !known.includes(name))
    .filter((name) => !OF_SERVICE_LINKS.test(name) && !OF_LAUNCHERS.includes(name)).sort()
    .map((name) => {
      const similar = similarName(name.slice(PREFIX.length), known.map((name) => name.slice(PREFIX.length)));
      const hint = similar === undefined ? "" : `, did you mean ${PREFIX}${similar}?`;
      return `${name.slice(0, 60)}: no option has this name${hint}`;
    });
}

/** Those that are Keystone's, and no business of what it starts: some are secrets. */
export function knownVariables(): string[] {
  return [CONFIG_VARIABLE, ...optionEntries().map(([key]) => variableOf(key))];
}

function valueOf(key: OptionKey, text: string | undefined): unknown {
  if (text === undefined || text.trim() === "") return undefined;
  if (key === "port" && SERVICE_URL.test(text)) return undefined;
  const { list, value } = findOption(key) ?? {};
  if (list !== undefined) return listOf(text, list === "repeated" || key === "header");
  return value === undefined ? SWITCH[text.trim()] ?? text : text;
}

/** As many tools have it. */
const SWITCH: Readonly<Record<string, string>> = { 1: "true", 0: "false" };

/** One a line; in one line joined by commas, unless a value may have some. */
function listOf(text: string, byLinesAlone: boolean): string[] {
  const parts = byLinesAlone || text.includes("\n") ? text.split("\n") : text.split(",");
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}
