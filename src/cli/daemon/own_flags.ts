/** The flags of the commands themselves, beside those that serving has. */
import { parseArgs } from "node:util";
import { ConfigError, messageOf } from "../../core/errors.ts";
import { duration } from "../../options/values.ts";
import { checkName } from "../../state/mod.ts";

export const DEFAULT_NAME = "default";
/** More than open requests get by default, and the children after them. */
const GRACE = "15s";

/** What `start` and `restart` take for themselves, and what is left for serving. */
export interface StartFlags {
  readonly name: string;
  readonly foreground: boolean;
  /** Somebody waits until the record has this. */
  readonly nonce: string | undefined;
  readonly help: boolean;
  /** How long the one before may take to stop. */
  readonly graceMs: number;
  readonly serving: readonly string[];
}

const START_SWITCHES = ["--foreground"];
const START_VALUES = ["--name", "--launched", "--grace"];

/** Throws ConfigError for a name that is none. */
export function startFlags(args: readonly string[]): StartFlags {
  const given = new Map<string, string>();
  const serving: string[] = [];
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  for (let at = 0; at < end; at++) {
    const [flag = "", ...value] = (args[at] ?? "").split("=");
    if (START_SWITCHES.includes(flag)) given.set(flag, value.join("=") || "true");
    else if (!START_VALUES.includes(flag)) serving.push(args[at] ?? "");
    else given.set(flag, value.length > 0 ? value.join("=") : at + 1 < end ? args[++at] ?? "" : "");
  }
  return {
    name: checkName(given.get("--name") ?? DEFAULT_NAME),
    foreground: given.get("--foreground") === "true",
    nonce: given.get("--launched"),
    help: serving.some((flag) => flag === "--help" || flag === "-h"),
    graceMs: readGrace(given.get("--grace")),
    serving: [...serving, ...args.slice(end)],
  };
}

/** Where the records are, by flags of serving. */
export function stateDirOf(serving: readonly string[]): string | undefined {
  const at = serving.findLastIndex((arg) => /^--state-?dir(=|$)/i.test(arg));
  return at < 0 ? undefined : /=([^]*)$/.exec(serving[at] ?? "")?.[1] ?? serving[at + 1];
}

export function readGrace(text = GRACE): number {
  return readTime("grace", text);
}

/** Throws ConfigError. */
export function readTime(flag: string, text: string): number {
  const result = duration({ min: 0 }).safeParse(text);
  if (result.success) return result.data;
  throw new ConfigError(`--${flag} ${JSON.stringify(text)}: ${result.error.issues[0]?.message}`);
}

/** What a command takes, by the name of the flag. */
export type Spec = Readonly<
  Record<string, { type: "string" | "boolean"; short?: string; multiple?: boolean }>
>;

export interface GivenFlags {
  readonly name: string;
  readonly stateDir: string | undefined;
  readonly operands: readonly string[];
  text(flag: string): string | undefined;
  /** All of one that may be repeated. */
  texts(flag: string): readonly string[];
  on(flag: string): boolean;
}

const COMMON: Spec = {
  name: { type: "string" },
  stateDir: { type: "string" },
  "state-dir": { type: "string" },
  help: { type: "boolean", short: "h" },
};

interface OwnFlags {
  readonly flags?: Spec;
  readonly operands?: number;
  /** Whether --name is that of a gateway. */
  readonly ofGateway?: boolean;
}

/** Throws ConfigError for a flag that the command does not have, and for operands where it takes none. */
export function readOwnFlags(
  command: string,
  args: readonly string[],
  { flags = {}, operands = 0, ofGateway = true }: OwnFlags = {},
): GivenFlags {
  const { values, positionals } = parsed(command, args, { ...COMMON, ...flags });
  const [extra] = positionals.slice(operands);
  if (extra !== undefined) {
    throw new ConfigError(
      `Unexpected argument ${JSON.stringify(extra.slice(0, 40))}: ${
        ofGateway && operands === 0 ? "a gateway is named by --name; " : ""
      }see keystone ${command} --help`,
    );
  }
  const text = (flag: string) => {
    const value = values[flag];
    return typeof value === "string" ? value : undefined;
  };
  return {
    name: checkName(text("name") ?? DEFAULT_NAME),
    stateDir: text("stateDir") ?? text("state-dir"),
    operands: positionals,
    text,
    texts: (flag) => {
      const value = values[flag];
      return Array.isArray(value) ? value.map(String) : [];
    },
    on: (flag) => values[flag] === true,
  };
}

function parsed(command: string, args: readonly string[], options: Spec) {
  try {
    return parseArgs({ args: [...args], options: { ...options }, allowPositionals: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // how parseArgs refuses an argument
    throw new ConfigError(`${refusalOf(messageOf(error))}; see keystone ${command} --help`, { cause: error });
  }
}

/** In our words what parseArgs says in several sentences. */
function refusalOf(message: string): string {
  const [, flag] = /^(?:Unknown o|O)ption '(?:-\w, )?(--?[\w-]+)/.exec(message) ?? [];
  if (flag === undefined) return message.split(/\. |\n/, 1).join("");
  if (message.startsWith("Unknown")) return `${flag}: unknown flag`;
  return message.includes("does not take")
    ? `${flag}: expected no value`
    : `${flag}: expected a value after it`;
}
