/** One server of a configuration file: which it is, and the options that are its own. */
import { ConfigError } from "../../core/errors.ts";
import { HTTP, remoteUrl, WEB_SOCKET } from "../../options/network_values.ts";
import { similarName } from "../../base/similar.ts";
import { commandLabel, commandText } from "../command_label.ts";
import type { Path } from "../document/document.ts";
import type { Layer } from "../layers.ts";
import { isServerOption, optionEntries } from "../options.ts";
import {
  directCommand,
  lineCommand,
  remoteServer,
  type ServerCommand,
  type ServerInput,
  type ServerRemote,
  wireOf,
} from "../server_input.ts";
import { type Field, type FileContext, fileLayer, runtimeLayer } from "./fields.ts";
import { nameOfPath } from "./findings.ts";
import { foreignWarning, isForeign } from "./foreign_keys.ts";
import { keyOfServer, placeOf, serverKeyName } from "./places.ts";
import { isTable, valueAt } from "./values_at.ts";

export interface FileServer {
  readonly name: string;
  readonly layer: Layer;
  readonly server: ServerInput;
  readonly description?: string;
  /** What was set of it while it is served. */
  readonly runtime?: Layer;
  /** Where something of it comes from that is no option. */
  readonly sourceOf: (key: OwnKey) => string;
}

/** Which wire a client's file means by `type`; `http` is what finds out by itself. */
const WIRES: Readonly<Record<string, ServerRemote["wire"]>> = {
  http: "detect",
  "streamable-http": "streamableHttp",
  streamable_http: "streamableHttp",
  streamableHttp: "streamableHttp",
  sse: "sse",
  ws: "ws",
  websocket: "ws",
};

/** What is no option. */
type OwnKey = "command" | "url" | "type" | "description";
const OWN_KEYS = ["command", "args", "url", "type", "transport", "description", "disabled"];
const TYPES = ["stdio", ...Object.keys(WIRES)];

interface Entry {
  readonly name: string;
  readonly path: Path;
  readonly context: FileContext;
  /** A file of another program has keys that nobody here knows. */
  readonly isForeign: boolean;
}

interface ReadEntry {
  readonly layer: Layer;
  /** Undefined where it is not understood. */
  readonly server?: FileServer;
}

/** What is wrong is told to the findings. */
export function readServerEntry(entry: Entry): ReadEntry {
  const { name, path, context } = entry;
  const { findings } = context;
  const value = valueAt(context.value, path);
  if (!isTable(value)) {
    findings.problem(path, "expected a table with command or url", value);
    return { layer: fileLayer([], context) };
  }
  const fields = fieldsOf(Object.keys(value), entry);
  const [layer, runtime] = [fileLayer(fields, context), runtimeLayer(fields, context)];
  const description = textOf(entry, "description");
  const server = inputOf(entry);
  if (!server) return { layer };
  const about = description !== undefined && { description };
  const sourceOf = (key: OwnKey) => sourceIn(entry, key);
  return { layer, server: { name, layer, server, ...runtime && { runtime }, sourceOf, ...about } };
}

/** Together they are the command that is told; either of them is the type. */
const TOLD_BY: Readonly<Record<OwnKey, readonly string[]>> = {
  command: ["command", "args"],
  type: ["type", "transport"],
  url: ["url"],
  description: ["description"],
};

/** A place in the file; "runtime" for what was set while it is served, be it in part. */
function sourceIn({ path, context: { value, findings } }: Entry, key: OwnKey): string {
  const places = TOLD_BY[key].map((name) => [...path, name]).filter((place) =>
    valueAt(value, place) !== undefined
  )
    .map((place) => findings.at(place));
  const [at] = places;
  if (places.length === 0) return "default";
  return at && !places.includes(undefined) ? `${at.file}:${at.line}` : "runtime";
}

/** Whether somebody has switched it off; what else is written of it does not count then. */
export function isDisabled(value: unknown): boolean {
  return isTable(value) && value.disabled === true;
}

function fieldsOf(keys: readonly string[], entry: Entry): Field[] {
  return keys.filter((key) => !OWN_KEYS.includes(key)).flatMap((key): Field[] => {
    const [option, path] = [keyOfServer(key), [...entry.path, key]];
    if (option !== undefined) return [{ key: option, path }];
    unknownKey(key, path, entry);
    return [];
  });
}

function unknownKey(
  key: string,
  path: Path,
  { context: { findings }, isForeign: isAnyAllowed }: Entry,
): void {
  const warning = foreignWarning(key);
  if (warning !== undefined) return findings.warning(path, warning);
  if (isForeign(key)) return;
  if (isAnyAllowed) return findings.warning(path, "unknown key, ignored");
  findings.problem(path, `unknown key${hintFor(key)}`);
}

function hintFor(key: string): string {
  const place = placeOf(key);
  if (place) return `; it concerns all servers: write ${place.section}.${place.name}`;
  const known = [
    ...OWN_KEYS,
    ...optionEntries().map(([key]) => key).filter(isServerOption).map(serverKeyName),
  ];
  const similar = similarName(key, known);
  return similar === undefined ? "" : `, did you mean ${similar}?`;
}

function inputOf(entry: Entry): ServerInput | undefined {
  const { path, context: { value, findings } } = entry;
  const has = (key: string) => valueAt(value, [...path, key]) !== undefined;
  const type = typeOf(entry);
  if (has("command") && has("url")) {
    findings.problem(path, "expected command or url, but both are given");
  } else if (has("command")) {
    if (type === undefined || type === "stdio") return commandOf(entry);
    findings.problem([...path, "type"], "expected stdio or nothing beside command");
  } else if (has("url")) {
    if (type !== "stdio") return remoteOf(entry, type);
    findings.problem([...path, "type"], "expected another one beside url: stdio is for command");
  } else findings.problem(path, "expected command, with args, or url");
  return undefined;
}

/** `transport` is another word for it. */
function typeOf(entry: Entry): string | undefined {
  const [type, transport] = [textOf(entry, "type"), textOf(entry, "transport")];
  const { path, context: { written, findings } } = entry;
  if (type !== undefined && transport !== undefined && type !== transport) {
    findings.problem([...path, "transport"], `expected it or type, but both are given`);
  }
  const key = type === undefined ? "transport" : "type";
  const given = type ?? transport;
  if (given !== undefined && !TYPES.includes(given)) {
    const asWritten = valueAt(written, [...path, key]);
    findings.problemWith([...path, key], asWritten, `expected one of ${TYPES.join(", ")}`);
  }
  return given;
}

/** A command without args is a line, as after --stdio; with them it is the name of a program, whatever is in it. */
function commandOf(entry: Entry): ServerCommand | undefined {
  const { name, path, context: { value, written, findings } } = entry;
  const [command, args] = [textOf(entry, "command"), argsOf(entry)];
  if (command === undefined || args === undefined) return undefined;
  const flag = nameOfPath([...path, "command"]);
  try {
    const isLine = valueAt(value, [...path, "args"]) === undefined;
    const made = isLine ? lineCommand(command.trim(), flag) : directCommand([command, ...args], flag);
    return { ...made, name, ...shownCommand(valueAt(written, path)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    findings.problem([...path, "command"], error.message.replace(/^.*?: /, ""));
    return undefined;
  }
}

/** What variables and files have put into it is not shown. */
function shownCommand(written: unknown): Partial<ServerCommand> {
  const words = writtenWords(written);
  const isAsWritten = !words.some((word) => word.includes("${") || word === FILE);
  return isAsWritten ? {} : { label: commandLabel(words), shown: commandText(words) };
}

const FILE = "{file}";

function writtenWords(written: unknown): string[] {
  if (!isTable(written)) return [];
  const { command, args } = written;
  if (!Array.isArray(args) && typeof command === "string") return command.trim().split(/\s+/);
  return [command, ...Array.isArray(args) ? args : []].map((word) => isTable(word) ? FILE : String(word));
}

function argsOf({ path, context: { value, findings } }: Entry): string[] | undefined {
  const args = valueAt(value, [...path, "args"]) ?? [];
  if (!Array.isArray(args)) {
    findings.problem([...path, "args"], "expected a list of texts", args);
    return undefined;
  }
  for (const [index, arg] of args.entries()) {
    if (typeof arg !== "string" && typeof arg !== "number") {
      findings.problem([...path, "args", index], "expected a text", arg);
    }
  }
  return args.map(String);
}

function remoteOf(entry: Entry, type: string | undefined): ServerRemote | undefined {
  const { name, path, context: { written, findings } } = entry;
  const text = textOf(entry, "url");
  if (text === undefined) return undefined;
  const wire = type === undefined ? undefined : WIRES[type];
  const protocols = wire === undefined ? [...HTTP, ...WEB_SOCKET] : wire === "ws" ? WEB_SOCKET : HTTP;
  const result = remoteUrl(protocols).safeParse(text);
  if (!result.success || result.data === "") {
    findings.problem([...path, "url"], result.error?.issues[0]?.message ?? "expected a URL");
    return undefined;
  }
  const url = result.data;
  const remote = { ...remoteServer(wire ?? wireOf(url), url), name };
  const asWritten = valueAt(written, [...path, "url"]);
  return asWritten === text
    ? remote
    : { ...remote, label: typeof asWritten === "string" ? commandLabel([asWritten]) : name };
}

function textOf({ path, context: { value, findings } }: Entry, key: string): string | undefined {
  const text = valueAt(value, [...path, key]);
  if (text === undefined || typeof text === "string") return text;
  findings.problem([...path, key], "expected a text", text);
  return undefined;
}
