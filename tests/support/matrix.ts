/** The matrix of wires: how servers are reached, how clients come, and what both can be asked about afterwards. */
import assert from "node:assert/strict";
import { callByStdio, type Caller, callOver, type Sdk, type SpawnedCaller } from "./callers.ts";
import type { Wire } from "./clients.ts";
import {
  descendants,
  eventually,
  EVERYTHING,
  type Keystone,
  SCRIPTED,
  startKeystone,
  type StartOptions,
} from "./keystone.ts";
import { running } from "./processes.ts";
import { startEverything } from "./remote_everything.ts";

/** What a gateway is started with to reach a server. */
export interface Target extends StartOptions {
  readonly flags: readonly string[];
}

/** Two servers that are reached by one wire. */
export interface Servers extends AsyncDisposable {
  /** The published server-everything. */
  readonly everything: Target;
  /** The project's own, which shows what has reached it. */
  readonly scripted: Target;
  /** How many sessions the far side has seen so far; none where the gateway starts the server itself. */
  begun(): number;
  /** The sessions that have not ended, as the far side says. */
  open(): string[];
}

export interface Row {
  /** How the server is reached. */
  readonly name: string;
  start(): Promise<Servers>;
}

export const ROWS: readonly Row[] = [
  {
    name: "a child process",
    start: () =>
      Promise.resolve({
        everything: { flags: [], server: EVERYTHING },
        scripted: { flags: [], server: SCRIPTED },
        begun: () => 0,
        open: () => [],
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  },
  {
    name: "SSE",
    start: () =>
      remoteServers("--sse", {
        everything: async () => {
          const remote = await startEverything("sse");
          return { ...remote, begun: /Client Connected: +(\S+)/g, ended: /Client Disconnected: +(\S+)/g };
        },
        scripted: () => remoteKeystone("sse", SCRIPTED),
      }),
  },
  {
    name: "Streamable HTTP",
    start: () =>
      remoteServers("--streamableHttp", {
        everything: async () => {
          const remote = await startEverything("streamableHttp");
          // It says the latter of DELETE, and of nothing else.
          const ended = /Received session termination request for session (\S+)/g;
          return { ...remote, begun: /Session initialized with ID: (\S+)/g, ended };
        },
        scripted: () =>
          remoteKeystone("mcp", SCRIPTED, ["--outputTransport", "streamableHttp", "--stateful"]),
      }),
  },
  {
    name: "WebSocket",
    start: () =>
      remoteServers("--ws", {
        everything: () => remoteKeystone("ws", EVERYTHING),
        scripted: () => remoteKeystone("ws", SCRIPTED),
      }),
  },
];

interface Remote extends AsyncDisposable {
  readonly url: string;
  output(): string;
  /** What it prints of a session, with the id in a group. */
  readonly begun: RegExp;
  readonly ended: RegExp;
}

async function remoteKeystone(
  wire: "mcp" | "sse" | "ws",
  server: readonly string[],
  flags: readonly string[] = ["--outputTransport", wire],
): Promise<Remote> {
  const keystone = await startKeystone(flags, { server });
  return {
    url: keystone[wire],
    output: keystone.stderr,
    begun: /Session opened session=(\S+)/g,
    ended: /Session closed session=(\S+)/g,
    [Symbol.asyncDispose]: () => keystone[Symbol.asyncDispose](),
  };
}

async function remoteServers(
  flag: string,
  start: Record<"everything" | "scripted", () => Promise<Remote>>,
): Promise<Servers> {
  await using started = new AsyncDisposableStack();
  const everything = started.use(await start.everything());
  const scripted = started.use(await start.scripted());
  const begun = () => [everything, scripted].flatMap((remote) => idsIn(remote, remote.begun));
  const kept = started.move();
  return {
    everything: { flags: [flag, everything.url] },
    scripted: { flags: [flag, scripted.url] },
    begun: () => begun().length,
    open() {
      const ended = [everything, scripted].flatMap((remote) => idsIn(remote, remote.ended));
      return begun().filter((id) => !ended.includes(id));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function idsIn(remote: Remote, pattern: RegExp): string[] {
  return [...remote.output().matchAll(pattern)].map(([, id = ""]) => id);
}

/** A gateway, or where the client has to start it, one for each client. Disposal is for a test that failed. */
export interface Gate extends AsyncDisposable {
  caller(sdk: Sdk): Promise<Caller>;
  /** Everything that the gateway logged so far. */
  stderr(): string;
  /** Settles when nothing runs that a session had for itself. Throws when the session did not end by itself. */
  idle(): Promise<void>;
  /** Ends what is left, in good order. Throws when a process is left behind. */
  end(): Promise<void>;
}

export interface Column {
  /** How clients come. */
  readonly name: string;
  readonly sdks: readonly Sdk[];
  /** False where no request of a server can find a client. */
  readonly sessions: boolean;
  open(target: Target): Promise<Gate>;
}

export const COLUMNS: readonly Column[] = [
  { name: "stdio", sdks: ["v1", "v2"], sessions: true, open: stdioGate },
  network("SSE", { wire: "SSE", flags: ["--outputTransport", "sse"] }),
  network("Streamable HTTP, stateful", {
    wire: "Streamable HTTP",
    flags: ["--outputTransport", "streamableHttp", "--stateful"],
    sdks: ["v1", "v2"],
  }),
  network("Streamable HTTP, stateless", {
    wire: "Streamable HTTP",
    flags: ["--outputTransport", "streamableHttp"],
    sdks: ["v1", "v2"],
    sessions: false,
  }),
  network("WebSocket", { wire: "WebSocket", flags: ["--outputTransport", "ws"] }),
];

interface NetworkOptions {
  readonly wire: Wire;
  readonly flags: readonly string[];
  readonly sdks?: readonly Sdk[];
  readonly sessions?: boolean;
}

function network(name: string, { wire, flags, sdks = ["v1"], sessions = true }: NetworkOptions): Column {
  return {
    name,
    sdks,
    sessions,
    async open(target) {
      const keystone = await startKeystone([...target.flags, ...flags], target);
      return networkGate(keystone, { wire, sessions });
    },
  };
}

function networkGate(keystone: Keystone, { wire, sessions }: { wire: Wire; sessions: boolean }): Gate {
  const processes = new Set([keystone.pid]);
  return {
    async caller(sdk) {
      const caller = await callOver(keystone, wire, sdk);
      for (const pid of await keystone.children()) processes.add(pid);
      return caller;
    },
    stderr: keystone.stderr,
    async idle() {
      if (sessions) await eventually(keystone.children, (children) => children.length === 0);
    },
    async end() {
      assert.equal((await keystone.stop()).code, 0);
      assert.deepEqual(await running([...processes]), []);
    },
    [Symbol.asyncDispose]: () => keystone[Symbol.asyncDispose](),
  };
}

function stdioGate({ flags, ...start }: Target): Promise<Gate> {
  const callers: SpawnedCaller[] = [];
  const processes = new Set<number>();
  const gate: Gate = {
    async caller(sdk) {
      const caller = await callByStdio([...flags, "--outputTransport", "stdio"], sdk, start);
      callers.push(caller);
      for (const pid of [caller.pid, ...await descendants(caller.pid)]) processes.add(pid);
      return caller;
    },
    stderr: () => callers.map(({ stderr }) => stderr()).join("\n"),
    async idle() {
      assert.deepEqual(await running([...processes]), []);
      // The SDK would have helped with a signal.
      const orderly = /Gateway is stopping reason="the client on stdin is done"[^]*Gateway stopped\n$/;
      for (const { stderr } of callers) assert.match(stderr(), orderly);
    },
    end: () => gate.idle(),
    async [Symbol.asyncDispose]() {
      for (const caller of callers) await caller[Symbol.asyncDispose]();
    },
  };
  return Promise.resolve(gate);
}
