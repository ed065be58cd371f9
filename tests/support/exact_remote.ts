/** The exact server as a remote, which writes each message on many lines wherever its wire lets it. */
import { canonical, parseExactly } from "./exact_json.ts";
import { ExactServer } from "./exact_server.ts";
import { HttpRemote, type Seen, WebSocketRemote } from "./scripted_remote.ts";

export interface ExactRemote extends AsyncDisposable {
  /** What the gateway is started with. */
  readonly flags: readonly string[];
}

const NO_CONTENT = { status: 202 };

export function streamableRemote(): ExactRemote {
  const server = new ExactServer();
  let asking: Stream | undefined;
  const remote = new HttpRemote(({ method, message, body }) => {
    if (method !== "POST") return undefined;
    const answers = server.answer(body);
    if (message.method === undefined) {
      asking?.say(...answers);
      asking?.end();
    }
    if (message.method === undefined || message.id === undefined) return new Response(null, NO_CONTENT);
    const { name } = message.params ?? {};
    if (name === undefined || name === "fail") return json(answers);
    const stream = new Stream();
    stream.say(...answers);
    if (name === "ask") asking = stream;
    else stream.end();
    return stream.response;
  });
  return remoteAt("--streamableHttp", remote);
}

function json([answer = ""]: readonly string[]): Response {
  return new Response(onLines(answer), { headers: { "Content-Type": "application/json" } });
}

export function sseRemote(): ExactRemote {
  const server = new ExactServer();
  const streams: Stream[] = [];
  const remote = new HttpRemote(({ method, url, body }: Seen) => {
    if (method === "GET") {
      const stream = new Stream(`event: endpoint\ndata: /message?stream=${streams.length}\n\n`);
      streams.push(stream);
      return stream.response;
    }
    streams[Number(url.searchParams.get("stream"))]?.say(...server.answer(body));
    return new Response(null, NO_CONTENT);
  });
  return remoteAt("--sse", remote);
}

export function socketRemote(): ExactRemote {
  const server = new ExactServer();
  const remote = new WebSocketRemote((_message, socket, text) => {
    for (const answer of server.answer(text)) socket.send(onLines(answer));
    return true;
  });
  return remoteAt("--ws", remote);
}

function remoteAt(flag: string, remote: HttpRemote): ExactRemote {
  return { flags: [flag, remote.url], [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose]() };
}

function onLines(text: string): string {
  return JSON.stringify(parseExactly(canonical(text)), undefined, "\t").replaceAll("\n", "\r\n");
}

class Stream {
  readonly response: Response;
  readonly #controller: ReadableStreamDefaultController<Uint8Array>;

  constructor(first = ": hello\n\n") {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(given) {
        controller = given;
      },
    });
    this.#controller = controller!;
    this.#write(first);
    this.response = new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }

  say(...messages: readonly string[]): void {
    for (const message of messages) {
      this.#write(`${onLines(message).split("\r\n").map((line) => `data: ${line}\n`).join("")}\n`);
    }
  }

  end(): void {
    this.#controller.close();
  }

  #write(text: string): void {
    this.#controller.enqueue(new TextEncoder().encode(text));
  }
}
