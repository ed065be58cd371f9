/** What the options of one server come to, or what is wrong with them. */
import { ConfigError } from "../core/errors.ts";
import type { Transport } from "../frontends/options.ts";
import { authProblems, openToAnybody } from "./auth_rules.ts";
import { contradictions } from "./contradictions.ts";
import type { Layer, Layered } from "./layers.ts";
import { type OptionKey, options } from "./options.ts";
import { invalidValue, type ParsedOptions, type Problem } from "./problem.ts";
import { sharedRoutes } from "./routes.ts";
import {
  foreignBearer,
  noTransport,
  prewarmedCrowd,
  transportsOf,
  twoTrusts,
  unlimitedBurst,
  untried,
} from "./rules.ts";
import type { ServerInput } from "./server_input.ts";
import { tlsProblems } from "./tls_rules.ts";

interface Judging {
  readonly given: Layered;
  readonly read: (parsed: ParsedOptions) => ServerInput;
  /** Whether others are served beside it. */
  readonly several: boolean;
  /** What a server of a file has for itself. */
  readonly own?: Layer;
  readonly description?: string;
}

export interface Served {
  readonly parsed: ParsedOptions;
  readonly server: ServerInput;
  readonly transports: readonly Transport[];
  readonly description?: string;
}

export interface Judged {
  readonly problems: readonly Problem[];
  /** Undefined where a value cannot be read, or no server. */
  readonly served?: Served;
}

/** Rules between options are asked where each value can be read: else the second fault of many would only follow from the first. */
export function judge({ given, read, several, own, description }: Judging): Judged {
  const { success, data } = options.safeParse(given.raw);
  if (!success) return { problems: invalidValues(given) };
  const parsed: ParsedOptions = { ...given, values: data };
  const server = serverOf(parsed, read);
  if ("text" in server) return { problems: [server, ...general(parsed)] };
  const transports = transportsOf(parsed.values, { server, isOfFile: own !== undefined });
  const prefix = parsed.values.basePath + (several ? `/${server.name}` : "");
  const problems = [
    ...noTransport(parsed),
    ...openToAnybody(parsed, transports),
    // What is for all servers is for those that it is meant for.
    ...foreignBearer(parsed, server).filter(({ option }) => !several || isGivenBy(own, option, given)),
    ...general(parsed),
    ...sharedRoutes(parsed, { transports, prefix }),
  ].map((problem) => located(problem, given));
  return {
    problems,
    served: { parsed, server, transports, ...description !== undefined && { description } },
  };
}

export function invalidValues(given: Layered): Problem[] {
  const { error } = options.safeParse(given.raw);
  return error?.issues.map((issue) => invalidValue(given, issue)) ?? [];
}

/** Of options without a server. */
export function sectionProblems(given: Layered): Problem[] {
  const { success, data } = options.safeParse(given.raw);
  if (!success) return invalidValues(given);
  return general({ ...given, values: data }).map((problem) => located(problem, given));
}

/** With where it is, if that is a file. */
export function located(problem: Problem, given: Layered): Problem {
  const at = problem.option && given.givenBy(problem.option)?.at;
  return at && !problem.at ? { ...problem, at } : problem;
}

function general(parsed: ParsedOptions): Problem[] {
  return [tlsProblems, twoTrusts, authProblems, prewarmedCrowd, unlimitedBurst, untried, contradictions]
    .flatMap((rule) => rule(parsed));
}

function serverOf(parsed: ParsedOptions, read: Judging["read"]): ServerInput | Problem {
  try {
    return read(parsed);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { text: error.message, cause: error };
  }
}

function isGivenBy(layer: Layer | undefined, option: OptionKey | undefined, given: Layered): boolean {
  return option !== undefined && given.givenBy(option)?.layer === layer;
}
