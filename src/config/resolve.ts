/** From values and where they come from to a configuration, or to all that is wrong with them. */
import type { OptionNames } from "../base/option_name.ts";
import { ConfigError } from "../core/errors.ts";
import { type Config, configOf } from "./config.ts";
import { contradictions } from "./contradictions.ts";
import { type Layer, layered, type Origin } from "./layers.ts";
import { type OptionKey, options } from "./options.ts";
import { configError, invalidValue, type ParsedOptions, type Problem } from "./problem.ts";
import { sharedRoutes } from "./routes.ts";
import { foreignBearer, halfTls, noTransport, prewarmedCrowd, transportsOf, untried } from "./rules.ts";
import { type Operands, readServer, type ServerInput } from "./server_input.ts";
import { warningsOf } from "./warnings.ts";

export interface Resolved {
  readonly kind: "resolved";
  readonly config: Config;
  /** Where each value comes from. */
  readonly origins: ReadonlyMap<OptionKey, Origin>;
  /** How its user calls an option. */
  readonly nameOf: OptionNames;
  /** What is allowed but will not do what its user may expect. */
  readonly warnings: string[];
}

interface Refused {
  readonly kind: "refused";
  /** Everything that was found, in the order of the help. */
  readonly problems: readonly Problem[];
}

/**
 * A later layer goes before an earlier one. Rules between options are asked where each value can be read: else the
 * second fault of many would only follow from the first.
 */
export function resolve(layers: readonly Layer[], operands: Operands = { argv: [] }): Resolved | Refused {
  const given = layered(layers);
  const result = options.safeParse(given.raw);
  if (!result.success) return refused(result.error.issues.map((issue) => invalidValue(given, issue)));
  const parsed: ParsedOptions = { ...given, values: result.data };
  const server = serverOf(parsed, operands);
  const problems = problemsOf(parsed, server);
  if ("text" in server || problems.length > 0) return refused(problems);
  const transports = transportsOf(parsed.values, server);
  const config = configOf(parsed.values, { server, transports });
  const warnings = warningsOf(parsed, { kind: server.kind, transports });
  return { kind: "resolved", config, origins: given.origins, nameOf: given.nameOf, warnings };
}

/** Throws ConfigError with all that is wrong, one problem a line. */
export function accepted(resolution: Resolved | Refused): Resolved {
  if (resolution.kind === "refused") throw configError(resolution.problems);
  return resolution;
}

function refused(problems: readonly Problem[]): Refused {
  return { kind: "refused", problems };
}

function serverOf(parsed: ParsedOptions, operands: Operands): ServerInput | Problem {
  try {
    return readServer(parsed, operands);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { text: error.message, cause: error };
  }
}

/** Some rules depend on which server it is. */
function problemsOf(parsed: ParsedOptions, server: ServerInput | Problem): Problem[] {
  const general = [halfTls, prewarmedCrowd, untried, contradictions].flatMap((rule) => rule(parsed));
  if ("text" in server) return [server, ...general];
  return [
    ...noTransport(parsed),
    ...foreignBearer(parsed, server),
    ...general,
    ...sharedRoutes(parsed, transportsOf(parsed.values, server)),
  ];
}
