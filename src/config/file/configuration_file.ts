/** A configuration file as a whole: values for all servers, and the servers. */
import { basename, dirname, resolve } from "node:path";
import { similarName } from "../../base/similar.ts";
import { type Document, extensionOf, EXTENSIONS, type Path, readDocument } from "../document/document.ts";
import type { Layer } from "../layers.ts";
import { configError, type Problem } from "../problem.ts";
import { expand } from "./expansion.ts";
import { type Field, type FileContext, fileLayer, runtimeLayer } from "./fields.ts";
import { readSmallFile } from "../../files/small_file.ts";
import { Findings } from "./findings.ts";
import { isSilentAtTop } from "./foreign_keys.ts";
import { type ConfigPatch, patched } from "./patch.ts";
import {
  isPath,
  keyInSection,
  keyOfServer,
  placeOf,
  RECORDS,
  SECTION_NAMES,
  sectionEntries,
} from "./places.ts";
import { nameFault } from "./server_names.ts";
import { type FileServer, isDisabled, readServerEntry } from "./servers.ts";
import { isTable, valueAt } from "./values_at.ts";

export interface ConfigurationFile {
  /** As its user calls it. */
  readonly path: string;
  /** The whole path; undefined where there is no file, and all of it was set while it is served. */
  readonly place: string | undefined;
  /** What concerns all servers. */
  readonly shared: Layer;
  /** What of that was set while it is served, which goes before flags. */
  readonly runtime?: Layer;
  readonly servers: readonly FileServer[];
  /** The names of servers that do not count, since one is given elsewhere. */
  readonly ignored: readonly string[];
  /** The values of servers of which it is not understood which they are. */
  readonly broken: readonly Layer[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /** Files whose text was put in. */
  readonly read: readonly string[];
}

interface FileSurroundings {
  readonly variables: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly home: string | undefined;
}

interface FileOptions {
  /** As its user calls it. */
  readonly path: string;
  /** Its servers are not looked at, but for their names. */
  readonly ignoresServers?: boolean;
  /** What is set while it is served. */
  readonly patch?: ConfigPatch | undefined;
}

/** Throws ConfigError where there is nothing to read. */
export async function readConfigurationFile(
  options: FileOptions,
  surroundings: FileSurroundings,
): Promise<ConfigurationFile> {
  const place = resolve(surroundings.cwd, options.path);
  const document = await documentAt(place, options.path);
  return new Reader(document, { ...options, place, surroundings }).file();
}

/** A patch where there is no file. */
export function configurationOfPatch(
  patch: ConfigPatch,
  surroundings: FileSurroundings,
): ConfigurationFile {
  const nothing: Document = { value: {}, positionOf: () => ({ line: 1, column: 1 }) };
  const options = { path: "PATCH /config", place: undefined, patch, surroundings };
  return new Reader(nothing, options).file();
}

async function documentAt(place: string, path: string): Promise<Document> {
  const extension = extensionOf(path);
  const at = { file: path, line: 1, column: 1 };
  if (extension === undefined) {
    const text = `expected a file whose name ends in ${EXTENSIONS.map((name) => `.${name}`).join(", ")}`;
    throw configError([{ text: `${path}: ${text}` }]);
  }
  const file = readSmallFile(place);
  if ("fault" in file) throw configError([{ text: `${path}: ${file.fault}` }]);
  const reading = await readDocument(file.text, extension);
  if (reading.kind === "document") return reading.document;
  throw configError(reading.faults.map((fault) => ({ text: fault.text, at: { ...at, ...fault.at } })));
}

interface ReaderOptions extends FileOptions {
  /** Where it is, if that is a file. */
  readonly place: string | undefined;
  readonly surroundings: FileSurroundings;
}

class Reader {
  readonly #options: ReaderOptions;
  readonly #findings: Findings;
  readonly #context: FileContext;
  readonly #patch: ConfigPatch;
  readonly #read: string[] = [];
  readonly #broken: Layer[] = [];
  #ignored: readonly string[] = [];
  /** Under which key the servers are. */
  readonly #serversKey: "servers" | "mcpServers";

  constructor(document: Document, options: ReaderOptions) {
    this.#options = options;
    const { path, patch = {} } = options;
    this.#serversKey = isTable(document.value) && "mcpServers" in document.value ? "mcpServers" : "servers";
    this.#patch = underKey(this.#serversKey, patch);
    this.#findings = new Findings(path, document, this.#patch);
    const { value } = document;
    this.#context = this.#expanded(isTable(value) ? patched(value, this.#patch) : value);
  }

  file(): ConfigurationFile {
    const { path, place } = this.#options;
    const { value } = this.#context;
    if (!isTable(value)) this.#findings.problem([], "expected a table of sections");
    const keys = isTable(value) ? Object.keys(value) : [];
    const fields = keys.flatMap((key) => this.#section(key));
    const runtime = runtimeLayer(fields, this.#context);
    const shared = fileLayer(fields, this.#context);
    const servers = this.#servers();
    const { problems, warnings } = this.#findings;
    return {
      ...{ path, place, shared, servers, problems, warnings, ...runtime && { runtime } },
      ignored: this.#ignored,
      broken: this.#broken,
      read: this.#read,
    };
  }

  #expanded(written: unknown): FileContext {
    const { place, surroundings: { variables, cwd, home } } = this.#options;
    const folder = place === undefined ? cwd : dirname(place);
    const { value, problems, isFromElsewhere } = expand(written, {
      variables,
      ofEditors: { workspaceFolder: workspaceOf(folder), ...home !== undefined && { userHome: home } },
      readFile: (name) => {
        const path = resolve(folder, name);
        this.#read.push(path);
        return readSmallFile(path);
      },
      isTable: (path) => this.#isTablePlace(path),
      isSkipped: (path) => this.#isSkipped(path, written),
    });
    for (const { path, text } of problems) this.#findings.problem(path, text);
    return { value, written, isFromElsewhere, findings: this.#findings, folder, patch: this.#patch };
  }

  /** Sections, servers, records of names with texts; and what names a file by itself. */
  #isTablePlace(path: Path): boolean {
    const isOfServer = path[0] === this.#serversKey;
    const depth = isOfServer ? 3 : 2;
    if (path.length !== depth) return path.length < depth;
    const name = String(path.at(-1));
    const key = isOfServer ? keyOfServer(name) : keyInSection(String(path[0]), name);
    return key !== undefined && (key in RECORDS || isPath(key));
  }

  /** What is switched off needs no variables, and what is another program's is not ours to read. */
  #isSkipped(path: Path, written: unknown): boolean {
    const [top] = path;
    if (path.length === 1) return top !== this.#serversKey && !isSection(String(top));
    if (top !== this.#serversKey) return false;
    return this.#options.ignoresServers === true || (path.length === 2 && isDisabled(valueAt(written, path)));
  }

  #section(key: string): Field[] {
    if (!isSection(key)) {
      this.#unknownTop(key);
      return [];
    }
    const table = valueAt(this.#context.value, [key]);
    if (isTable(table)) return Object.keys(table).flatMap((name) => this.#field(key, name));
    this.#findings.problem([key], "expected a table", table);
    return [];
  }

  #field(section: string, name: string): Field[] {
    const [key, path] = [keyInSection(section, name), [section, name]];
    if (key !== undefined) return [{ key, path }];
    this.#findings.problem(path, `unknown key${hintFor(name, namesIn(section))}`);
    return [];
  }

  #unknownTop(key: string): void {
    if (key === this.#serversKey || isSilentAtTop(key)) return;
    if (key === "servers") {
      return this.#findings.problem([key], "expected it or mcpServers, but both are there");
    }
    if (this.#serversKey === "mcpServers") return this.#findings.warning([key], "unknown section, ignored");
    const hint = hintFor(key, [...SECTION_NAMES, "servers"]);
    this.#findings.problem([key], `unknown section${hint}`);
  }

  #servers(): FileServer[] {
    const key = this.#serversKey;
    const table = valueAt(this.#context.value, [key]);
    if (table === undefined) return [];
    if (!isTable(table)) {
      this.#findings.problem([key], "expected a table of servers by their names", table);
      return [];
    }
    const enabled = Object.keys(table).filter((name) => !isDisabled(table[name]));
    if (this.#options.ignoresServers) {
      this.#ignored = enabled;
      return [];
    }
    if (enabled.length === 0) this.#findings.warning([key], "no server is there that is not disabled");
    return enabled.flatMap((name) => this.#server(name, enabled.length > 1) ?? []);
  }

  #server(name: string, isOneOfMany: boolean): FileServer | undefined {
    const path = [this.#serversKey, name];
    const fault = nameFault(name, isOneOfMany);
    if (fault !== undefined) this.#findings.problem(path, fault);
    const isForeign = this.#serversKey === "mcpServers";
    const { layer, server } = readServerEntry({ name, path, context: this.#context, isForeign });
    if (!server) this.#broken.push(layer);
    return server;
  }
}

/** Other programs have another name for the servers. */
function underKey(key: string, { servers, ...sections }: ConfigPatch): ConfigPatch {
  return servers === undefined ? sections : { ...sections, [key]: servers };
}

function namesIn(section: string): string[] {
  return sectionEntries().filter(([one]) => one === section).flatMap(([, names]) =>
    names.map(([name]) => name)
  );
}

function isSection(key: string): boolean {
  return SECTION_NAMES.some((name) => name === key);
}

/** The place of an option that is written elsewhere, or a similar name. */
function hintFor(name: string, known: readonly string[]): string {
  const place = placeOf(name);
  if (place) return `; write ${place.section}.${place.name}`;
  const similar = similarName(name, known);
  return similar === undefined ? `, expected ${known.join(", ")}` : `, did you mean ${similar}?`;
}

/** An editor keeps its files in a folder of their own. */
function workspaceOf(folder: string): string {
  return basename(folder) === ".vscode" ? dirname(folder) : folder;
}
