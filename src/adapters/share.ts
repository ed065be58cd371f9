/** A backend that starts one server and shares it: the handshake is played once, each `open` is one client of it. */
import type { Backend, Launch } from "../core/backend.ts";
import type { Channel } from "../core/channel.ts";
import { StoppingError } from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import { until } from "../core/waiting.ts";
import { handshake, type HandshakeOptions } from "./handshake.ts";
import { Multiplex } from "./multiplex.ts";

export interface ShareOptions extends HandshakeOptions {
  readonly emit: Sink;
  /** The revisions that a client may be told. */
  readonly versions: readonly string[];
  /** How many messages may wait for one client before it is given up as too slow. */
  readonly maxBufferedMessages: number;
  /** And how large they may be together. */
  readonly maxBufferedBytes: number;
}

interface Shared {
  readonly hub: Multiplex;
  readonly server: Channel;
}

/** Names the shared server in events, where a session id would stand. */
const SHARED = "shared";

export function shareBackend(backend: Backend, options: ShareOptions): Backend {
  const stopping = new AbortController();
  let current: Promise<Shared> | undefined;

  async function start(launch: Launch): Promise<Shared> {
    // Not the signal of the client that happens to come first: others wait for the same server.
    const server = await backend.open({ ...launch, session: SHARED }, stopping.signal);
    try {
      const { result: initialized, incoming } = await until(stopping.signal, handshake(server, options));
      const { emit, versions, maxBufferedMessages, maxBufferedBytes } = options;
      const hub = new Multiplex({
        server,
        incoming,
        initialized,
        versions,
        session: SHARED,
        emit,
        maxBufferedMessages,
        maxBufferedBytes,
      });
      return { hub, server };
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  function shared(launch: Launch): Promise<Shared> {
    if (current) return current;
    const starting = current = start(launch);
    const forget = () => {
      if (current === starting) current = undefined;
    };
    // A server that ended or never started is forgotten, so the next client gets a new one.
    const watched = starting.then(async ({ hub, server }) => {
      await hub.ended;
      forget();
      await server[Symbol.asyncDispose]();
    }, forget);
    background(watched, "shared server", options.emit);
    return starting;
  }

  return {
    name: backend.name,
    async open(launch, signal) {
      const { hub } = await until(signal, shared(launch));
      return hub.open();
    },
    async [Symbol.asyncDispose]() {
      stopping.abort(new StoppingError());
      const { server } = await current?.catch(() => undefined) ?? {};
      // In good order: a remote server is told that its session is over.
      await server?.close();
      await server?.[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}
