/** The values that count, each with its source, in the order and by the names of a configuration file. */
import { REDACTED } from "../base/redact.ts";
import { type Layered, shownValue, sourceOf } from "./layers.ts";
import { findOption, isServerOption, optionEntries, type OptionKey } from "./options.ts";
import { RECORDS, sectionEntries, serverKeyName, splitPair } from "./file/places.ts";
import type { FileServer } from "./file/servers.ts";
import type { Resolved } from "./resolve.ts";
import { commandTextOf, type ServerInput } from "./server_input.ts";

export interface Sourced {
  /** As a file may have it; a secret is redacted. */
  readonly value: unknown;
  /** A place in a file, a variable, a flag or "default". */
  readonly source: string;
  /** Of each entry of a record, by its name. */
  readonly sources?: Readonly<Record<string, string>>;
}

type Values = Readonly<Record<string, Sourced>>;

export interface EffectiveConfiguration {
  /** By their names. */
  readonly sections: Readonly<Record<string, Values>>;
  readonly servers: Readonly<Record<string, Values>>;
}

type Given = Pick<Resolved, "config" | "given" | "file">;

export function effectiveConfiguration(
  { config, given: { shared, servers }, file }: Given,
): EffectiveConfiguration {
  const sections = sectionEntries().map(([section, names]) =>
    [section, valuesOf(names.map(([name, key]) => [name, sourced(shared, key)]))] as const
  ).filter(([, values]) => Object.keys(values).length > 0);
  const own = [...config.servers].map(([name, { server, description }]): [string, Values] => {
    const sourceOf = file?.servers.find((one) => one.name === name)?.sourceOf ?? (() => "command line");
    const given = servers.get(name);
    return [name, {
      ...which(server, sourceOf),
      ...description !== undefined &&
        { description: { value: description, source: sourceOf("description") } },
      ...given && ownValues(given, shared),
    }];
  });
  return { sections: Object.fromEntries(sections), servers: Object.fromEntries(own) };
}

/** As a file has it. */
const TYPES = { detect: "http", streamableHttp: "streamable-http", sse: "sse", ws: "ws" } as const;

function which(server: ServerInput, sourceOf: FileServer["sourceOf"]): Values {
  if (server.kind === "command") {
    return { command: { value: commandTextOf(server), source: sourceOf("command") } };
  }
  return {
    url: { value: server.label, source: sourceOf("url") },
    type: { value: TYPES[server.wire], source: sourceOf("type") },
  };
}

/** What a server has for itself. */
function ownValues(given: Layered, shared: Layered): Values {
  const keys = optionEntries().map(([key]) => key).filter(isServerOption)
    .filter((key) =>
      given.givenBy(key)?.layer !== shared.givenBy(key)?.layer || isMerged(key, given, shared)
    );
  return valuesOf(keys.map((key) => [serverKeyName(key), sourced(given, key)]));
}

function isMerged(key: OptionKey, given: Layered, shared: Layered): boolean {
  return key in RECORDS && listOf(given, key).length !== listOf(shared, key).length;
}

function valuesOf(entries: readonly (readonly [string, Sourced | undefined])[]): Values {
  return Object.fromEntries(entries.flatMap(([name, value]) => value ? [[name, value]] : []));
}

/** Undefined for what nobody gives and has no default. */
function sourced(given: Layered, key: OptionKey): Sourced | undefined {
  if (key in RECORDS) return pairs(given, key);
  const value = given.raw[key] ?? findOption(key)?.default;
  if (value === undefined) return undefined;
  const source = sourceOf(given.givenBy(key), key);
  if (given.raw[key] === undefined) return { value, source };
  return { value: Array.isArray(value) ? itemsOf(given, key, value) : shownOr(given, key), source };
}

function itemsOf(given: Layered, key: OptionKey, list: readonly unknown[]): unknown[] {
  return list.map((_, index) => shownOr(given, key, index));
}

function shownOr(given: Layered, key: OptionKey, index?: number): unknown {
  return (shownValue(given, key, index) ?? { value: REDACTED }).value;
}

/** Of a secret the names are shown, and no value. */
function pairs(given: Layered, key: OptionKey): Sourced | undefined {
  const list = listOf(given, key);
  if (list.length === 0) return undefined;
  const shown = list.map((pair, index): [string, unknown] => {
    const [name, text] = splitPair(key, pair);
    return [name, findOption(key)?.secret ? REDACTED : given.givenBy(key, index)?.written ?? text];
  });
  const sources = shown.map(([name], index) => [name, sourceOf(given.givenBy(key, index), key)] as const);
  return {
    value: Object.fromEntries(shown),
    source: [...new Set(sources.map(([, source]) => source))].join(", "),
    sources: Object.fromEntries(sources),
  };
}

function listOf({ raw }: Layered, key: OptionKey): string[] {
  const list = raw[key];
  return Array.isArray(list) ? list.map(String) : [];
}
