/** From values and where they come from to a configuration, or to all that is wrong with them. */
import { flagName, type OptionNames } from "../base/option_name.ts";
import { ConfigError } from "../core/errors.ts";
import type { Transport } from "../frontends/options.ts";
import { type Config, processConfig, serverConfig } from "./config.ts";
import { contradictions } from "./contradictions.ts";
import type { ConfigurationFile } from "./file/configuration_file.ts";
import type { FileServer } from "./file/servers.ts";
import { type Layer, type Layered, layered, type Origin } from "./layers.ts";
import { isWhichServer, type OptionKey, options } from "./options.ts";
import { configError, invalidValue, type ParsedOptions, type Problem } from "./problem.ts";
import { sharedRoutes } from "./routes.ts";
import { foreignBearer, halfTls, noTransport, prewarmedCrowd, transportsOf, untried } from "./rules.ts";
import { type Operands, readServer, type ServerInput } from "./server_input.ts";
import { warningsOf } from "./warnings.ts";

export interface Resolved {
  readonly kind: "resolved";
  readonly config: Config;
  /** Where each value for all servers comes from. */
  readonly origins: ReadonlyMap<OptionKey, Origin>;
  /** How its user calls an option. */
  readonly nameOf: OptionNames;
  /** What is allowed but will not do what its user may expect. */
  readonly warnings: string[];
  /** The values as they were given: for all servers, and for each. */
  readonly given: { readonly shared: Layered; readonly servers: ReadonlyMap<string, Layered> };
  readonly file?: ConfigurationFile;
}

interface Refused {
  readonly kind: "refused";
  /** Everything that was found: in the order of the file, else of the help. */
  readonly problems: readonly Problem[];
}

/**
 * A later layer goes before an earlier one, and the file before all of them: for all servers, then for each. Rules
 * between options are asked where each value can be read: else the second fault of many would only follow from the first.
 */
export function resolve(
  layers: readonly Layer[],
  operands: Operands = { argv: [] },
  file?: ConfigurationFile,
): Resolved | Refused {
  const { own, problems, warnings } = chosen(layers, { operands, file });
  const all = [...file ? [file.shared] : [], ...layers];
  const shared = layered(all);
  const several = own.length > 1;
  const judged = own.length === 0
    ? [judge({ given: shared, read: (parsed) => readServer(parsed, operands), several })]
    : own.map((one) => judge({ ...inFile(one, all), several }));
  const found = inOrder([
    ...file?.problems ?? [],
    ...problems,
    ...own.length === 0 ? [] : invalidValues(shared),
    ...judged.flatMap(({ problems }) => problems),
    ...byStdio(judged, shared),
  ]);
  const served = judged.flatMap(({ served }) => served ?? []);
  const [first] = served;
  if (found.length > 0 || first === undefined) return { kind: "refused", problems: found };
  return {
    kind: "resolved",
    config: { process: processConfig(first.parsed.values), servers: new Map(served.map(configured)) },
    origins: shared.origins,
    nameOf: namesOf(shared, served),
    warnings: [...file?.warnings ?? [], ...warnings, ...commonWarnings(served)],
    given: { shared, servers: new Map(served.map(({ server, parsed }) => [server.name, parsed])) },
    ...file && { file },
  };
}

/** Throws ConfigError with all that is wrong, one problem a line. */
export function accepted(resolution: Resolved | Refused): Resolved {
  if (resolution.kind === "refused") throw configError(resolution.problems);
  return resolution;
}

/** All that is wrong with a file by itself, which may leave open which server it is for. */
export function problemsOf(file: ConfigurationFile): readonly Problem[] {
  if (file.servers.length === 0) {
    return inOrder([...file.problems, ...sectionProblems(layered([file.shared]))]);
  }
  const resolution = resolve([], { argv: [] }, file);
  return resolution.kind === "refused" ? resolution.problems : [];
}

function sectionProblems(given: Layered): Problem[] {
  const { success, data } = options.safeParse(given.raw);
  if (!success) return invalidValues(given);
  return general({ ...given, values: data }).map((problem) => located(problem, given));
}

interface Sources {
  readonly operands: Operands;
  readonly file: ConfigurationFile | undefined;
}

interface Chosen {
  /** The servers of the file; none where one is given elsewhere. */
  readonly own: readonly FileServer[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** A server that is given elsewhere goes before those of a file that nobody has named. */
function chosen(layers: readonly Layer[], { operands, file }: Sources): Chosen {
  const own = file?.servers ?? [];
  const elsewhere = serverGivenIn(layers, operands);
  if (file === undefined || own.length === 0 || elsewhere === undefined) {
    return { own, problems: [], warnings: [] };
  }
  const names = own.map(({ name }) => name).join(", ");
  if (file.isNamed) {
    const text =
      `More than one server given, ${elsewhere} and those of ${file.path} (${names}): expected one or the other`;
    return { own: [], problems: [{ text }], warnings: [] };
  }
  const text =
    `${elsewhere} takes the place of the servers of ${file.path} (${names}), whose other settings count`;
  return { own: [], problems: [], warnings: [text] };
}

function serverGivenIn(layers: readonly Layer[], { argv, url }: Operands): string | undefined {
  if (argv.length > 0) return "a command after --";
  if (url) return "a URL";
  for (const { values, nameOf } of layers) {
    const key = Object.keys(values).find((key) =>
      isWhichServer(key) && String(values[key] ?? "").trim() !== ""
    );
    if (key !== undefined) return nameOf(key);
  }
  return undefined;
}

interface Judging {
  readonly given: Layered;
  readonly read: (parsed: ParsedOptions) => ServerInput;
  readonly several: boolean;
  /** What a server of a file has for itself. */
  readonly own?: Layer;
  readonly description?: string;
}

function inFile(
  { layer, server, description }: FileServer,
  [shared, ...layers]: readonly Layer[],
): Omit<Judging, "several"> {
  const given = layered([...shared ? [shared] : [], layer, ...layers]);
  return { given, own: layer, read: () => server, ...description !== undefined && { description } };
}

interface Served {
  readonly parsed: ParsedOptions;
  readonly server: ServerInput;
  readonly transports: readonly Transport[];
  readonly description?: string;
}

interface Judged {
  readonly problems: readonly Problem[];
  readonly served?: Served;
}

function judge({ given, read, several, own, description }: Judging): Judged {
  const result = options.safeParse(given.raw);
  if (!result.success) return { problems: result.error.issues.map((issue) => invalidValue(given, issue)) };
  const parsed: ParsedOptions = { ...given, values: result.data };
  const server = serverOf(parsed, read);
  if ("text" in server) return { problems: [server, ...general(parsed)] };
  const transports = transportsOf(parsed.values, { server, isOfFile: own !== undefined });
  // What is for all servers is for those that it is meant for.
  const isOwn = (option: OptionKey | undefined) =>
    option !== undefined && given.givenBy(option)?.layer === own;
  const problems = [
    ...noTransport(parsed),
    ...foreignBearer(parsed, server).filter(({ option }) => !several || isOwn(option)),
    ...general(parsed),
    ...sharedRoutes(parsed, { transports, prefix: several ? `/${server.name}` : "" }),
  ].map((problem) => located(problem, given));
  return {
    problems,
    served: { parsed, server, transports, ...description !== undefined && { description } },
  };
}

function invalidValues(given: Layered): Problem[] {
  const { error } = options.safeParse(given.raw);
  return error?.issues.map((issue) => invalidValue(given, issue)) ?? [];
}

function serverOf(parsed: ParsedOptions, read: Judging["read"]): ServerInput | Problem {
  try {
    return read(parsed);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { text: error.message, cause: error };
  }
}

function general(parsed: ParsedOptions): Problem[] {
  return [halfTls, prewarmedCrowd, untried, contradictions].flatMap((rule) => rule(parsed));
}

function located(problem: Problem, given: Layered): Problem {
  const at = problem.option && given.givenBy(problem.option)?.at;
  return at && !problem.at ? { ...problem, at } : problem;
}

/** Nobody could tell whose messages are on stdin. */
function byStdio(judged: readonly Judged[], shared: Layered): Problem[] {
  if (judged.length < 2) return [];
  const [first] = judged.flatMap(({ served }) => served?.transports.includes("stdio") ? served.parsed : []);
  if (first === undefined) return [];
  const option = "outputTransport";
  const name = (shared.raw[option] === undefined ? first : shared).nameOf(option);
  const text =
    `${name} "stdio": expected streamableHttp, sse or ws, since ${judged.length} servers cannot share stdin`;
  return [located({ option, text }, shared.raw[option] === undefined ? first : shared)];
}

/** What several servers have in common is told once. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const byText = new Map(problems.map((problem) => [`${problem.at?.line}:${problem.text}`, problem]));
  return [...byText.values()].sort((one, other) => (one.at?.line ?? 0) - (other.at?.line ?? 0));
}

function configured({ parsed, ...served }: Served) {
  return [served.server.name, serverConfig(parsed.values, served)] as const;
}

/** Of the one server, or of those that have it. */
function namesOf(shared: Layered, served: readonly Served[]): OptionNames {
  return (key) => {
    if (shared.givenBy(key)) return shared.nameOf(key);
    const [own, ...others] = served.filter(({ parsed }) => parsed.givenBy(key));
    if (own === undefined) return flagName(key);
    return others.length === 0 ? own.parsed.nameOf(key) : `servers.*.${key}`;
  };
}

/** What is for all servers has an effect where it has one for any. */
function commonWarnings(served: readonly Served[]): string[] {
  const all = served.map(({ parsed, server, transports }) =>
    warningsOf(parsed, { kind: server.kind, transports })
  );
  const texts = [...new Set(all.flat())];
  return texts.filter((text) =>
    /^(servers|mcpServers)\./.test(text) || all.every((some) => some.includes(text))
  );
}
