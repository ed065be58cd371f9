/** The first word of a command line, and what it runs. What a command needs alone is loaded with it. */
import type { Command } from "./command.ts";
import * as serving from "./serve_command.ts";

type Load = () => Promise<Command>;

const COMMANDS: ReadonlyMap<string, Load> = new Map<string, Load>([
  ["config", () => import("./config/config.ts")],
  ["validate-config", () => import("./config/validate.ts")],
  ["start", () => import("./daemon/start.ts")],
  ["stop", () => import("./daemon/stop.ts")],
  ["restart", () => import("./daemon/restart.ts")],
  ["status", () => import("./daemon/status.ts")],
  ["logs", () => import("./daemon/logs.ts")],
  ["health", () => import("./daemon/health.ts")],
  ["show-key", () => import("./credentials/show_key.ts")],
  ["keys", () => import("./credentials/keys.ts")],
  ["users", () => import("./credentials/users.ts")],
  ["keypair", () => import("./credentials/keypair.ts")],
  ["audit", () => import("./audit/audit.ts")],
  ["client-config", () => import("./client_config/client_config.ts")],
]);

interface Called {
  readonly load: Load;
  readonly args: readonly string[];
}

/** Without the word of a command the gateway serves. */
export function commandOf(argv: readonly string[]): Called {
  const [word, ...args] = argv;
  const load = word === undefined ? undefined : COMMANDS.get(word);
  return load ? { load, args } : { load: () => Promise.resolve(serving), args: argv };
}
