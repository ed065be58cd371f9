/** From values and where they come from to a configuration, or to all that is wrong with them. */
import type { OptionNames } from "../base/option_name.ts";
import { type Config, processConfig, serverConfig } from "./config.ts";
import type { ConfigurationFile } from "./file/configuration_file.ts";
import { nameInFile } from "./file/places.ts";
import { invalidValues, judge, type Judged, located, sectionProblems, type Served } from "./judge.ts";
import { type Layer, type Layered, layered, type Origin } from "./layers.ts";
import type { OptionKey } from "./options.ts";
import { configError, type Problem } from "./problem.ts";
import { overruled, serverGivenIn, twoGivers } from "./server_choice.ts";
import { type Operands, readServer } from "./server_input.ts";
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

/** A later layer goes before an earlier one, and the file comes before all of them: for all servers, then for each. */
export function resolve(
  layers: readonly Layer[],
  operands: Operands = { argv: [] },
  file?: ConfigurationFile,
): Resolved | Refused {
  const elsewhere = serverGivenIn(layers, operands);
  const isByFile = file !== undefined && elsewhere === undefined && hasServers(file);
  // Who writes servers into a file writes the rest there, too.
  const shared = layered(
    [...file ? [file.shared] : [], ...layers, ...runtimeOf(file)],
    isByFile ? nameInFile : undefined,
  );
  const judged = isByFile
    ? judgeFile(file, layers)
    : [judge({ given: shared, read: (parsed) => readServer(parsed, operands, file?.path), several: false })];
  const problems = inOrder([
    ...twoGivers(file, elsewhere),
    ...file ? fileProblems(file, layers) : [],
    ...judged.flatMap(({ problems }) => problems),
    ...byStdio(judged),
  ]);
  const served = judged.flatMap(({ served }) => served ?? []);
  const [first] = served;
  if (problems.length > 0 || first === undefined) return { kind: "refused", problems };
  return {
    kind: "resolved",
    config: { process: processConfig(first.parsed.values), servers: new Map(served.map(configured)) },
    origins: shared.origins,
    nameOf: namesOf(shared, served),
    warnings: [...file?.warnings ?? [], ...overruled(file, elsewhere), ...commonWarnings(served)],
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
  if (!hasServers(file)) {
    return inOrder([...file.problems, ...sectionProblems(layered([file.shared], nameInFile))]);
  }
  const resolution = resolve([], { argv: [] }, file);
  return resolution.kind === "refused" ? resolution.problems : [];
}

function runtimeOf(file: ConfigurationFile | undefined): Layer[] {
  return file?.runtime ? [file.runtime] : [];
}

function hasServers({ servers, broken }: ConfigurationFile): boolean {
  return servers.length + broken.length > 0;
}

function judgeFile(file: ConfigurationFile, layers: readonly Layer[]): Judged[] {
  const { shared, servers, broken } = file;
  const several = servers.length + broken.length > 1;
  return servers.map(({ layer, runtime, server, description }) => {
    const set = [...runtimeOf(file), ...runtime ? [runtime] : []];
    const given = layered([shared, layer, ...layers, ...set], nameInFile);
    const about = description !== undefined && { description };
    return judge({ given, own: layer, read: () => server, several, ...about });
  });
}

/** What is wrong with the options of a server is told also where that is not all. */
function fileProblems(file: ConfigurationFile, layers: readonly Layer[]): Problem[] {
  const { problems, shared, broken } = file;
  const own = broken.flatMap((layer) => invalidValues(layered([shared, layer, ...layers])));
  return [...problems, ...invalidValues(layered([shared, ...layers, ...runtimeOf(file)])), ...own];
}

/** Nobody could tell whose messages are on stdin. */
function byStdio(judged: readonly Judged[]): Problem[] {
  if (judged.length < 2) return [];
  const option = "outputTransport";
  return judged.flatMap(({ served }) => served?.transports.includes("stdio") ? served.parsed : []).map(
    (parsed) => {
      const text = `${parsed.nameOf(option)} "stdio": expected streamableHttp, sse or ws, ` +
        `since ${judged.length} servers cannot share stdin`;
      return located({ option, text }, parsed);
    },
  );
}

/** What several servers have in common is told once. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const byText = new Map(problems.map((problem) => [`${placeIn(problem)}:${problem.text}`, problem]));
  return [...byText.values()].sort((one, other) => placeIn(one) - placeIn(other));
}

/** What is in no file stands first; no line is longer than a file may be. */
function placeIn({ at }: Problem): number {
  return at ? at.line * 2 ** 21 + at.column : 0;
}

function configured({ parsed, ...served }: Served) {
  return [served.server.name, serverConfig(parsed.values, served)] as const;
}

/** Of the one server, or of those that have it. */
function namesOf(shared: Layered, served: readonly Served[]): OptionNames {
  return (key) => {
    if (shared.givenBy(key)) return shared.nameOf(key);
    const [own, ...others] = served.filter(({ parsed }) => parsed.givenBy(key));
    if (own === undefined) return shared.nameOf(key);
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
