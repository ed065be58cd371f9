/** A real HTTP server on loopback whose answers are the test's, and a remote backend's options for it. */
import type { HttpClientOptions } from "../../src/backends/remote/http_client.ts";
import { httpClient } from "../../src/backends/remote/http_client.ts";
import type { RemoteOptions } from "../../src/backends/remote/remote.ts";
import { anyTarget } from "../../src/backends/remote/target.ts";
import type { Sink } from "../../src/core/events.ts";

/** What a request said, its body read. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
  readonly request: Request;
}

export interface Loopback extends AsyncDisposable {
  /** Ends with a slash. */
  readonly url: URL;
  /** Everything that was asked so far. */
  readonly asked: readonly Asked[];
}

export function loopback(
  answer: (asked: Asked) => Response | Promise<Response>,
  hostname = "127.0.0.1",
): Loopback {
  const asked: Asked[] = [];
  const server = Deno.serve({ port: 0, hostname, onListen() {} }, async (request) => {
    const { method } = request;
    // A copy, since an upgrade takes the request away.
    const headers = new Headers(request.headers);
    const { pathname: path } = new URL(request.url);
    const body = headers.get("upgrade") ? "" : await request.text();
    const one = { method, path, headers, body, request };
    asked.push(one);
    return await answer(one);
  });
  return {
    url: new URL(`http://${hostname}:${server.addr.port}/`),
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** An address at which nobody listens. */
export function nobody(): URL {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return new URL(`http://127.0.0.1:${listener.addr.port}/`);
}

/** An event stream that the test writes, and that stays open until it ends it. */
export class EventStream {
  readonly response: Response;
  readonly #controller: ReadableStreamDefaultController<Uint8Array>;

  constructor(text = "", headers: Readonly<Record<string, string>> = {}) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.cancelled = promise;
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (own) => void (controller = own), cancel: resolve });
    if (!controller) throw new Error("A stream has its controller as soon as it is made");
    this.#controller = controller;
    this.response = new Response(body, { headers: { "Content-Type": "text/event-stream", ...headers } });
    if (text !== "") this.write(text);
  }

  /** Settles when whoever reads it lets go of it. */
  readonly cancelled: Promise<void>;

  write(text: string): void {
    this.#controller.enqueue(new TextEncoder().encode(text));
  }

  /** A message as an event. */
  say(message: unknown, id?: string): void {
    this.write(`${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`);
  }

  end(): void {
    this.#controller.close();
  }

  /** The connection breaks in the middle. */
  break(): void {
    this.#controller.error(new Error("broken by the test"));
  }
}

export function json(value: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(value, { headers });
}

export function client(options: Partial<HttpClientOptions> = {}) {
  return httpClient({ headers: {}, caCerts: [], checkTarget: anyTarget, ...options });
}

export function remoteOptions(url: URL, options: Partial<RemoteOptions> & { emit?: Sink } = {}) {
  return {
    url,
    client: client(),
    maxMessageBytes: 100_000,
    maxBufferedMessages: 100,
    maxBufferedBytes: 1 << 26,
    connectTimeoutMs: 10_000,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 20 },
    emit: () => {},
    ...options,
  };
}
