/** Who takes part, and by which command each serves which wire. */
import { ROOT } from "../run_deno.ts";
import { BUNDLE } from "../bundle.ts";

/**
 * A way of serving. `shared`, `prewarmed`, `guarded` and `cors` are stateful Streamable HTTP: `guarded` asks who calls,
 * `cors` lets pages in, which do not call here. `modern` is 2026-07-28, in front of a server that has a handshake.
 */
export type Mode =
  | "stateful"
  | "stateless"
  | "modern"
  | "shared"
  | "prewarmed"
  | "sse"
  | "ws"
  | "tls"
  | "source"
  | "guarded"
  | "cors";

export interface Place {
  readonly port: number;
  /** The command line of the server, for a shell. */
  readonly child: string;
  readonly tls: TlsFiles | undefined;
  readonly guard?: Guard | undefined;
}

/** A file with one API key, and the key. */
export interface Guard {
  readonly apiKeyFile: string;
  readonly token: string;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface Launch {
  readonly command: readonly string[];
  readonly path: string;
}

export interface Contestant {
  readonly name: string;
  /** What it serves and how; a text is the reason why it does not. */
  launch(mode: Mode, place: Place): Launch | string;
  /** Absent: it has sessions and passes notifications on. */
  readonly bare?: true;
  /** It listens before it has routes. */
  readonly opensLate?: true;
}

export interface NamedCommand {
  readonly name: string;
  readonly command: string;
}

export const KEYSTONE = "keystone";
export const FLOOR = "floor";
export const C_FLOOR = "floor-c";
export const SUPERGATEWAY = "supergateway";
export const MCP_PROXY = "mcp-proxy";
export const GO_MCP_PROXY = "mcp-proxy-go";
export const SDK_SERVER = "sdk-server";

/** Pinned, and installed by the script. */
export const PACKAGES = { [SUPERGATEWAY]: "supergateway@4.0.0", [MCP_PROXY]: "mcp-proxy@6.7.19" };

export const GO_MODULE = { path: "github.com/TBXark/mcp-proxy", version: "v0.43.2" };

const PREWARMED = 16;

export const floor: Contestant = {
  name: FLOOR,
  bare: true,
  launch(mode, { port, child, tls }) {
    if (mode !== "stateful" && mode !== "stateless" && mode !== "tls") return "plain requests only";
    const secure = mode === "tls" ? tlsFlags("--cert", "--key", tls) : [];
    const script = `${ROOT}/scripts/bench/floor.ts`;
    const command = [Deno.execPath(), "run", "-A", script, "--port", `${port}`, ...secure, "--"];
    return { command: [...command, "sh", "-c", `exec ${child}`], path: "/mcp" };
  },
};

/** The same in C, by epoll: what the runtime costs stands between the two. */
export function cFloor(program: string): Contestant {
  return {
    name: C_FLOOR,
    bare: true,
    launch(mode, { port, child }) {
      if (mode !== "stateful" && mode !== "stateless") return "plain requests only";
      return { command: [program, "--port", `${port}`, "--", "sh", "-c", `exec ${child}`], path: "/mcp" };
    },
  };
}

export const keystone: Contestant = {
  name: KEYSTONE,
  launch(mode, { port, child, tls, guard }) {
    const program = mode === "source" ? "main.ts" : BUNDLE;
    const command = [
      Deno.execPath(),
      "run",
      "-A",
      `${ROOT}/${program}`,
      "--port",
      `${port}`,
      "--stdio",
      child,
    ];
    return { command: [...command, ...keystoneFlags(mode, { tls, guard })], path: keystonePath(mode) };
  },
};

function keystoneFlags(mode: Mode, { tls, guard }: Pick<Place, "tls" | "guard">): string[] {
  switch (mode) {
    case "stateless":
    case "modern":
      return [];
    case "shared":
      return ["--stateful", "--children", "shared", "--maxSessions", "2000"];
    case "prewarmed":
      return ["--stateful", "--prewarm", `${PREWARMED}`];
    case "guarded":
      return ["--stateful", ...guardFlags(guard)];
    case "cors":
      return ["--stateful", "--cors", "https://app.example"];
    case "tls":
      return ["--stateful", ...tlsFlags("--tlsCert", "--tlsKey", tls)];
    default:
      return ["--stateful"];
  }
}

/** All that looks at each call, and refuses none. */
function guardFlags({ apiKeyFile = "" }: Partial<Guard> = {}): string[] {
  const auth = ["--auth", "apiKey", "--apiKeyFile", apiKeyFile];
  return [...auth, "--rateLimit", "1000000/s", "--auditLog", `${apiKeyFile}.${crypto.randomUUID()}.audit`];
}

function keystonePath(mode: Mode): string {
  return mode === "sse" ? "/sse" : mode === "ws" ? "/ws" : "/mcp";
}

/** No gateway: the SDK's own server of 2026-07-28, spoken to directly. */
export const sdkServer: Contestant = {
  name: SDK_SERVER,
  bare: true,
  launch(mode, { port }) {
    if (mode !== "modern") return "2026-07-28 only";
    const script = `${ROOT}/scripts/bench/sdk_server.ts`;
    const config = `${ROOT}/deno.dev.json`;
    return { command: [Deno.execPath(), "run", "--config", config, "-A", script, `${port}`], path: "/mcp" };
  },
};

/** It logs every message by default; without a log it is at its best. */
export function supergateway(program: string): Contestant {
  const output: Partial<Record<Mode, [path: string, ...flags: string[]]>> = {
    stateful: ["/mcp", "streamableHttp", "--stateful"],
    stateless: ["/mcp", "streamableHttp"],
    modern: ["/mcp", "streamableHttp"],
    sse: ["/sse", "sse"],
    ws: ["/message", "ws"],
  };
  return {
    name: SUPERGATEWAY,
    launch(mode, { port, child }) {
      const [path, ...flags] = output[mode] ?? [];
      if (path === undefined) return notServed(mode);
      const command = ["node", program, "--port", `${port}`, "--stdio", child, "--logLevel", "none"];
      return { command: [...command, "--outputTransport", ...flags], path };
    },
  };
}

/** All its clients share one server in any case. */
export function mcpProxy(program: string): Contestant {
  const output: Partial<Record<Mode, [path: string, ...flags: string[]]>> = {
    stateful: ["/mcp", "stream"],
    shared: ["/mcp", "stream"],
    stateless: ["/mcp", "stream", "--stateless"],
    sse: ["/sse", "sse"],
  };
  return {
    name: MCP_PROXY,
    launch(mode, { port, child }) {
      const [path, ...flags] = output[mode] ?? [];
      if (path === undefined) return notServed(mode);
      const command = ["node", program, "--host", "127.0.0.1", "--port", `${port}`, "--server", ...flags];
      return { command: [...command, "--", "sh", "-c", `exec ${child}`], path };
    },
  };
}

/** TBXark's, in Go. It has no sessions, and one server for all; its configuration is a file. */
export function goMcpProxy(program: string): Contestant {
  return {
    name: GO_MCP_PROXY,
    opensLate: true,
    launch(mode, { port, child }) {
      if (mode !== "stateful" && mode !== "stateless") return notServed(mode);
      const address = `127.0.0.1:${port}`;
      const options = { logEnabled: false };
      const config = {
        mcpProxy: {
          ...{ baseURL: `http://${address}`, addr: address, name: "bench", version: "1" },
          ...{ type: "streamable-http", options },
        },
        mcpServers: { bench: { command: "sh", args: ["-c", `exec ${child}`], options } },
      };
      const line = `exec ${quote(program)} --config /dev/stdin <<'CONFIG'\n${JSON.stringify(config)}\nCONFIG`;
      return { command: ["sh", "-c", line], path: "/bench/" };
    },
  };
}

/** A gateway of the command line. */
export function namedPeer({ name, command }: NamedCommand): Contestant {
  return {
    name,
    launch(mode, { port, child }) {
      if (mode !== "stateful") return "a --peer is stateful Streamable HTTP";
      const line = command.replaceAll("{port}", `${port}`).replaceAll("{child}", quote(child));
      return { command: ["sh", "-c", `exec ${line}`], path: "/mcp" };
    },
  };
}

/** One that cannot take part at all. */
export function absentPeer(name: string, reason: string): Contestant {
  return { name, launch: () => reason };
}

/** A word for a shell. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function tlsFlags(cert: string, key: string, tls: TlsFiles | undefined): string[] {
  return tls ? [cert, tls.cert, key, tls.key] : [];
}

function notServed(mode: Mode): string {
  const wires: Partial<Record<Mode, string>> = {
    ws: "no WebSocket",
    tls: "no HTTP/2",
    shared: "no child that sessions share",
    prewarmed: "no prewarmed children",
    source: "no source to start from",
  };
  return wires[mode] ?? `no ${mode}`;
}
