/** The flags of `deno task bench`. */
import { parseArgs } from "node:util";
import {
  C_FLOOR,
  FLOOR,
  GO_MCP_PROXY,
  KEYSTONE,
  MCP_PROXY,
  type NamedCommand,
  SDK_SERVER,
  SUPERGATEWAY,
} from "./peers.ts";

export interface Pinning {
  readonly gateway: number;
  readonly load: number;
  /** Undefined: the child stays on the gateway's core. */
  readonly child: number | undefined;
}

export interface BenchOptions {
  readonly quick: boolean;
  readonly rounds: number;
  /** How long one measurement of throughput takes. */
  readonly seconds: number;
  /** The contestants to measure; undefined is all. */
  readonly only: readonly string[] | undefined;
  /** Beginnings of the names of cases; undefined is all. */
  readonly rows: readonly string[] | undefined;
  readonly peers: readonly NamedCommand[];
  readonly load: "auto" | "wrk" | "builtin";
  readonly child: "c" | "node";
  /** Undefined: nothing is pinned. */
  readonly pinning: Pinning | undefined;
  readonly json: string;
  readonly docs: boolean;
  /** Results to report instead of measuring. */
  readonly from: string | undefined;
}

/** The command line cannot be followed; the message says why. */
export class UsageError extends Error {
  override name = "UsageError";
}

export const USAGE = `Usage: deno task bench [options]

  --quick                  a short round of the rows that matter, in under two minutes
  --rounds <count>         rounds, each of every contestant in turn (default: 5; quick: 1)
  --seconds <seconds>      length of one measurement (default: 2; quick: 1)
  --only <names>           contestants to measure, joined by commas
  --rows <names>           rows to measure: beginnings of their names, joined by commas
  --peer 'name=command'    another gateway, stateful at /mcp; {port} and {child} are filled in; repeatable
  --load <auto|wrk|builtin>    load generator for HTTP (default: wrk where it is installed)
  --child <c|node>         the server behind the gateways (default: c)
  --gateway-core <number>  core of the gateways (default: 0)
  --load-core <number>     core of the load (default: 1)
  --child-core <number>    core of the child (default: that of its gateway)
  --no-pin                 pin nothing
  --json <file>            where the results go (default: .bench/results.json)
  --docs                   write docs/benchmarks.md and its plot from the results
  --from <file>            report these results instead of measuring`;

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

/** Throws {@linkcode UsageError}. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const values = parseFlags(args);
  const quick = values.quick ?? false;
  const peers = (values.peer ?? []).map(parsePeer);
  return {
    quick,
    rounds: count("--rounds", values.rounds) ?? (quick ? 1 : 5),
    seconds: positive("--seconds", values.seconds) ?? (quick ? 1 : 2),
    only: values.only === undefined ? undefined : namesIn(values.only, peers),
    rows: values.rows?.split(","),
    peers,
    load: oneOf("--load", values.load ?? "auto", ["auto", "wrk", "builtin"]),
    child: oneOf("--child", values.child ?? "c", ["c", "node"]),
    pinning: values["no-pin"] ? undefined : {
      gateway: core("--gateway-core", values["gateway-core"]) ?? 0,
      load: core("--load-core", values["load-core"]) ?? 1,
      child: core("--child-core", values["child-core"]),
    },
    json: values.json ?? ".bench/results.json",
    docs: values.docs ?? false,
    from: values.from,
  };
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: flag,
        rounds: text,
        seconds: text,
        only: text,
        rows: text,
        peer: { type: "string", multiple: true },
        load: text,
        child: text,
        "gateway-core": text,
        "load-core": text,
        "child-core": text,
        "no-pin": flag,
        json: text,
        docs: flag,
        from: text,
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

function parsePeer(peer: string): NamedCommand {
  const [, name, command] = peer.match(/^([\w.@-]+)=(.+)$/s) ?? [];
  if (name === undefined || command === undefined) {
    throw new UsageError(`--peer must be name=command: ${peer}`);
  }
  return { name, command };
}

function namesIn(only: string, peers: readonly NamedCommand[]): string[] {
  const known = [
    FLOOR,
    C_FLOOR,
    KEYSTONE,
    SDK_SERVER,
    SUPERGATEWAY,
    MCP_PROXY,
    GO_MCP_PROXY,
    ...peers.map(({ name }) => name),
  ];
  const names = only.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new UsageError(`--only ${unknown}: nobody has that name; there are ${known.join(", ")}`);
}

function positive(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!(Number(value) > 0)) throw new UsageError(`${name} must be a number above 0: ${value}`);
  return Number(value);
}

function count(name: string, value: string | undefined): number | undefined {
  const number = positive(name, value);
  if (number === undefined || Number.isInteger(number)) return number;
  throw new UsageError(`${name} must be a whole number: ${value}`);
}

function core(name: string, value: string | undefined): number | undefined {
  if (value === undefined || /^\d+$/.test(value)) return value === undefined ? undefined : Number(value);
  throw new UsageError(`${name} must be the number of a core: ${value}`);
}

function oneOf<Value extends string>(name: string, value: string, allowed: readonly Value[]): Value {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new UsageError(`${name} must be one of ${allowed.join(", ")}: ${value}`);
  return found;
}
