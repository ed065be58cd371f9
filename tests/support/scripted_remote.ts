/**
 * Remote MCP servers that do as they are told, right or wrong: over Streamable HTTP, SSE and WebSocket.
 *
 * Each is polite where its script says nothing, and remembers what reached it.
 */
import { inTime } from "../contract/deadline.ts";
import type { AnyMessage } from "./rpc.ts";

/** What arrived, in order. */
export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** The body as text, and as a message where it is one. */
  readonly body: string;
  readonly message: AnyMessage;
  /** As it came; its body is read already. */
  readonly request: Request;
}

/** Undefined leaves the request to the polite server. */
export type Script = (seen: Seen) => Response | undefined | Promise<Response | undefined>;

export interface RemoteOptions {
  /** A free one by default; one that was in use before, for a server that is restarted. */
  port?: number;
  tls?: { cert: string; key: string };
}

export const SESSION = "session-of-the-remote";

/** Settles when the port is listened on. */
export class HttpRemote implements AsyncDisposable {
  readonly port: number;
  readonly seen: Seen[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #abort = new AbortController();
  readonly #scheme: string;
  #script: Script;
  #changed = Promise.withResolvers<void>();

  constructor(script: Script = () => undefined, { port = 0, tls }: RemoteOptions = {}) {
    this.#script = script;
    this.#scheme = tls ? "https" : "http";
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port,
      signal: this.#abort.signal,
      onListen: () => {},
      onError: () => new Response(null, { status: 599 }),
      ...tls,
    }, (request) => this.#answer(request));
    this.port = this.#server.addr.port;
  }

  get origin(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `${this.origin}/mcp`;
  }

  get script(): Script {
    return this.#script;
  }

  /** From now on. */
  set script(script: Script) {
    this.#script = script;
  }

  /** What was posted, by JSON-RPC method; tool calls by the name of the tool. */
  posted(method: string): Seen[] {
    return this.seen.filter(({ message }) =>
      message && (message.method === method || toolOf(message) === method)
    );
  }

  /** The requests by HTTP method. */
  requested(method: string): Seen[] {
    return this.seen.filter((seen) => seen.method === method);
  }

  /** Settles with the first request that fits, early or late. */
  async sees(fits: (seen: Seen) => boolean): Promise<Seen> {
    return await inTime(this.#first(fits), "The request");
  }

  /** At once, open connections included. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#server.finished;
  }

  async #first(fits: (seen: Seen) => boolean): Promise<Seen> {
    while (true) {
      const found = this.seen.find(fits);
      if (found) return found;
      await this.#changed.promise;
    }
  }

  async #answer(request: Request): Promise<Response> {
    const { method, headers } = request;
    const body = method === "POST" ? await request.text() : "";
    const message = parsed(body);
    // A copy of the headers: those of a request are gone once it has become a socket.
    const seen = { method, url: new URL(request.url), headers: new Headers(headers), body, message, request };
    this.seen.push(seen);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
    return await this.#script(seen) ?? polite(seen);
  }
}

export function toolOf(message: AnyMessage): string | undefined {
  return message?.method === "tools/call" ? message.params?.name : undefined;
}

/** The tool is called, and the script is asked what to do with it. */
export function onTool(name: string, answer: Script): Script {
  return (seen) => toolOf(seen.message) === name ? answer(seen) : undefined;
}

/** What a server without faults answers over Streamable HTTP; it has no stream of its own. */
export function polite({ method, message }: Seen): Response {
  if (method === "GET") return new Response(null, { status: 405, headers: { Allow: "POST, DELETE" } });
  if (method === "DELETE") return new Response(null, { status: 204 });
  if (message?.id === undefined || message.method === undefined) return new Response(null, { status: 202 });
  const headers: HeadersInit = message.method === "initialize" ? { "Mcp-Session-Id": SESSION } : {};
  return Response.json(politeAnswer(message), { headers });
}

export function politeAnswer({ id, method, params }: AnyMessage) {
  return { jsonrpc: "2.0", id, result: method === "initialize" ? initialized(params) : echoed(params) };
}

export function initialized({ protocolVersion }: AnyMessage) {
  return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "remote", version: "1.0.0" } };
}

function echoed(params: AnyMessage) {
  return { structuredContent: params?.arguments ?? {}, content: [] };
}

function parsed(body: string): AnyMessage {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

// --- event streams ---

/** A response whose events are written step by step. */
export class EventStream {
  readonly response: Response;
  /** Settles when the gateway has gone away from it. */
  readonly left: Promise<void>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor(headers: Readonly<Record<string, string>> = {}) {
    const left = Promise.withResolvers<void>();
    this.left = left.promise;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => left.resolve(),
    });
    this.response = new Response(body, { headers: { "Content-Type": "text/event-stream", ...headers } });
  }

  /** Raw text or bytes. */
  write(text: string | Uint8Array): this {
    this.#controller.enqueue(typeof text === "string" ? new TextEncoder().encode(text) : text);
    return this;
  }

  /** A message as an event, with an id where one is given. */
  say(message: unknown, id?: string): this {
    return this.write(eventOf(message, id));
  }

  /** In good order, as far as HTTP is concerned. */
  close(): Response {
    this.#controller.close();
    return this.response;
  }
}

export function eventOf(message: unknown, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** A complete event stream of raw text. */
export function events(text: string): Response {
  return new EventStream().write(text).close();
}

/** A body that goes on until the gateway has enough of it. */
export function endless(headers: Readonly<Record<string, string>>, head: string): Response {
  const filler = new TextEncoder().encode("x".repeat(64 * 1024));
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(sent ? filler : new TextEncoder().encode(head));
      sent = true;
    },
  });
  return new Response(body, { headers });
}

// --- SSE ---

/** A polite server of the transport of 2024-11-05: one stream, whose `endpoint` takes the posts. */
export class SseRemote extends HttpRemote {
  /** The streams that were opened, the newest last. */
  readonly streams: EventStream[] = [];

  /** The script is asked first, as it is of every remote. */
  constructor(script: Script = () => undefined, options: RemoteOptions & { endpoint?: string } = {}) {
    super(undefined, options);
    this.script = async (seen) => await script(seen) ?? this.#polite(seen, options.endpoint);
  }

  override get url(): string {
    return `${this.origin}/sse`;
  }

  /** On the newest stream. */
  say(message: unknown): void {
    this.streams.at(-1)?.say(message);
  }

  /** One more stream, which names where to post. */
  open(endpoint = "/message?session=1", headers: Readonly<Record<string, string>> = {}): EventStream {
    const stream = new EventStream(headers).write(`event: endpoint\ndata: ${endpoint}\n\n`);
    this.streams.push(stream);
    return stream;
  }

  #polite({ method, message }: Seen, endpoint?: string): Response {
    if (method === "GET") return this.open(endpoint).response;
    if (message?.id !== undefined && message.method !== undefined) this.say(politeAnswer(message));
    return new Response(null, { status: 202 });
  }
}

// --- WebSocket ---

/** What to do with a message; true when that was all, else the polite answer follows. */
type SocketScript = (message: AnyMessage, socket: WebSocket, text: string) => boolean;

export class WebSocketRemote extends HttpRemote {
  /** What reached it, over all sockets. */
  readonly messages: AnyMessage[] = [];
  readonly #sockets: WebSocket[] = [];
  readonly #onMessage: SocketScript;

  constructor(onMessage: SocketScript = () => false, options: RemoteOptions = {}) {
    super((seen) => this.#upgrade(seen), options);
    this.#onMessage = onMessage;
  }

  override get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** Closes every socket, as a server does that is stopped. */
  closeSockets(): void {
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#sockets.map(closing);
    this.closeSockets();
    await Promise.all(closed);
    await super[Symbol.asyncDispose]();
  }

  #upgrade({ request }: Seen): Response {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "mcp" });
    this.#sockets.push(socket);
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      this.messages.push(message);
      if (this.#onMessage(message, socket, data)) return;
      if (message.id !== undefined && message.method !== undefined) {
        socket.send(JSON.stringify(politeAnswer(message)));
      }
    });
    return response;
  }
}

function closing(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => socket.addEventListener("close", () => resolve(), { once: true }));
}
