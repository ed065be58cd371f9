/** From values and where they come from to a configuration, or to all that is wrong with them. */
import type { OptionNames } from "../base/option_name.ts";
import { ConfigError } from "../core/errors.ts";
import { type Config, configOf } from "./config.ts";
import { contradictions } from "./contradictions.ts";
import { type Layer, layered, type Origin } from "./layers.ts";
import { type OptionKey, options } from "./options.ts";
import { errorOf, type Problem, type Readable, unreadable } from "./problem.ts";
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
  const parsed = options.safeParse(given.raw);
  if (!parsed.success) return refused(parsed.error.issues.map((issue) => unreadable(given, issue)));
  const readable: Readable = { ...given, values: parsed.data };
  const server = serverOf(readable, operands);
  const problems = problemsOf(readable, server);
  if ("text" in server || problems.length > 0) return refused(problems);
  const transports = transportsOf(readable.values, server);
  const config = configOf(readable.values, { server, transports });
  const warnings = warningsOf(readable, { kind: server.kind, transports });
  return { kind: "resolved", config, origins: given.origins, nameOf: given.nameOf, warnings };
}

/** Throws ConfigError with all that is wrong, one problem a line. */
export function accepted(resolution: Resolved | Refused): Resolved {
  if (resolution.kind === "refused") throw errorOf(resolution.problems);
  return resolution;
}

function refused(problems: readonly Problem[]): Refused {
  return { kind: "refused", problems };
}

function serverOf(readable: Readable, operands: Operands): ServerInput | Problem {
  try {
    return readServer(readable, operands);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { text: error.message, cause: error };
  }
}

/** Some rules depend on which server it is. */
function problemsOf(readable: Readable, server: ServerInput | Problem): Problem[] {
  const general = [halfTls, prewarmedCrowd, untried, contradictions].flatMap((rule) => rule(readable));
  if ("text" in server) return [server, ...general];
  return [
    ...noTransport(readable),
    ...foreignBearer(readable, server),
    ...general,
    ...sharedRoutes(readable, transportsOf(readable.values, server)),
  ];
}
