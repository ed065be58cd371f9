/**
 * The admin endpoint on a socket of 127.0.0.1, whatever address the gateway has. It is the project's own listener and not
 * `Deno.serve`: any program of this machine can connect, and only ours bounds connections, heads and idle time, and goes
 * on when the machine has no file descriptor left, which is when somebody wants to look.
 */
import { optionName } from "../base/option_name.ts";
import { within } from "../base/waiting.ts";
import { ConfigError, messageOf } from "../core/errors.ts";
import type { GatewayEvent, Sink } from "../core/events.ts";
import { Listener } from "../listener/listener.ts";
import type { AdminRoutes } from "./admin_env.ts";
import { createAdmin } from "./create_admin.ts";
import type { AdminTarget } from "./target.ts";

const HOST = "127.0.0.1";
/** A few programs look after a gateway; those who only connect give way to them. */
const LIMITS = {
  maxConnections: 64,
  maxConnectionsPerAddress: 64,
  maxHeaderBytes: 16 * 1024,
  headerTimeoutMs: 10_000,
  idleTimeoutMs: 75_000,
  stallTimeoutMs: 60_000,
  maxWholeBytes: 8 * 1024 * 1024,
};
/** The answers are small, and complete by then. */
const LAST_ANSWERS_MS = 1_000;

interface ServeAdminOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly token: string;
  /** Where it stands. */
  readonly tokenFile: (port: number) => string;
  readonly emit: Sink;
  readonly mounts?: Readonly<Record<string, AdminRoutes>>;
}

export interface AdminEndpoint extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
}

/** Throws ConfigError for a port that cannot be had. */
export function serveAdmin(target: AdminTarget, options: ServeAdminOptions): AdminEndpoint {
  const { token, tokenFile, emit, mounts = {} } = options;
  const listener = listen(options.port, {
    request: (request, caller) => admin.request(request, caller),
    upgrade: () => undefined,
  }, emit);
  const { port } = listener.addr;
  const admin = createAdmin(target, { token, tokenFile: tokenFile(port), port, emit, mounts });
  // The gateway serves its clients all the same.
  listener.ended.catch((error) => emit({ type: "warning", text: trouble(messageOf(error)) }));
  return {
    port,
    url: `http://${HOST}:${port}`,
    async [Symbol.asyncDispose]() {
      admin.close();
      await within(LAST_ANSWERS_MS, listener.shutdown());
      listener.kill();
    },
  };
}

function listen(
  port: number,
  service: ConstructorParameters<typeof Listener>[0]["service"],
  emit: Sink,
): Listener {
  try {
    return new Listener({ hostname: HOST, port, service, emit: aboutAdmin(emit), ...LIMITS });
  } catch (cause) {
    const name = `${optionName("runtimeAdminPort")} "${port}"`;
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new ConfigError(`${name}: the port is in use on ${HOST}; take another one, or 0 for a free one`, {
        cause,
      });
    }
    throw new ConfigError(`${name}: ${messageOf(cause)}`, { cause });
  }
}

/** To everybody else the listener's trouble is that clients cannot connect. */
function aboutAdmin(emit: Sink): Sink {
  return (event: GatewayEvent) => {
    if (event.type === "listener.recovered") return;
    emit(event.type === "listener.trouble" ? { type: "warning", text: trouble(event.reason) } : event);
  };
}

function trouble(reason: string): string {
  return `The admin endpoint cannot be reached: ${reason}`;
}
