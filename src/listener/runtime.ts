/**
 * The runtime's own HTTP server for a connection that we have accepted. `Deno.serve` takes a listener and nothing
 * else: it counts no connections, ends none, and cannot be told to. What it does with one connection is among its
 * internals (`ext/http/00_serve.ts`, `serveHttpOnConnection`); where a version has it no longer, connections are
 * relayed to a `Deno.serve` instead, which costs more and promises the same.
 */

export interface ServedConnection {
  /** Settles when the connection has ended, and rejects where it broke. */
  readonly finished: Promise<void>;
  /** Ends it after the answer that is under way. */
  shutdown(): Promise<void>;
}

export type RequestHandler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** Takes a connection on which nothing is being read or written; the signal ends it at once. */
export type ServeConnection = (
  connection: Deno.Conn,
  signal: AbortSignal,
  handler: RequestHandler,
  onError: (error: unknown) => Response,
  onListen: (scheme: string) => void,
) => ServedConnection;

/** Undefined where the runtime does not offer it. */
export function serveConnection(): ServeConnection | undefined {
  const internals = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  const serve = typeof internals === "object" && internals !== null
    ? Reflect.get(internals, "serveHttpOnConnection")
    : undefined;
  return typeof serve === "function" ? serve : undefined;
}
