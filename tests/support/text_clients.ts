/** Clients to whom a message is its text, over each wire. */
import { commandLine, environment, type Keystone, type StartOptions } from "./keystone.ts";
import { Events } from "./conversation.ts";
import { inTime } from "../contract/deadline.ts";
import { initialize, post } from "./rpc.ts";

/** Disposal is the end of the session. */
export interface TextClient extends AsyncDisposable {
  send(text: string): Promise<void>;
  /** What comes next. */
  next(): Promise<string>;
}

const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

/** Plays the handshake; gives the answer to it. */
export async function introduce(client: TextClient): Promise<string> {
  await client.send(JSON.stringify(initialize("i", "2025-11-25", { sampling: {} })));
  const answer = await client.next();
  await client.send(INITIALIZED);
  return answer;
}

export async function bySse({ sse }: Keystone): Promise<TextClient> {
  const texts = new Texts();
  const events = new Events(await fetch(sse, { headers: { Accept: "text/event-stream" } }));
  const endpoint = new URL((await events.next())?.data ?? "", sse).href;
  const read = texts.addAll(events);
  return {
    next: () => texts.next(),
    send: async (text) => void await (await post(endpoint, text)).body?.cancel(),
    async [Symbol.asyncDispose]() {
      await events.cancel();
      await read;
    },
  };
}

export async function bySocket({ ws }: Keystone): Promise<TextClient> {
  const texts = new Texts();
  const socket = new WebSocket(ws);
  socket.addEventListener("message", ({ data }) => texts.add(data));
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  return {
    next: () => texts.next(),
    send: (text) => Promise.resolve(socket.send(text)),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      socket.close();
      await closed;
    },
  };
}

/** With a session where the gateway gives one. */
export function byHttp({ mcp }: Keystone): Promise<TextClient> {
  const texts = new Texts();
  const reading: Promise<void>[] = [];
  let session: string | undefined;
  return Promise.resolve({
    next: () => texts.next(),
    async send(text) {
      const response = await post(mcp, text, { session });
      session ??= response.headers.get("mcp-session-id") ?? undefined;
      const streams = response.headers.get("content-type")?.startsWith("text/event-stream");
      if (streams) reading.push(texts.addAll(new Events(response)));
      else if (response.status === 202) await response.body?.cancel();
      else texts.add(await response.text());
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(reading);
      if (session === undefined) return;
      const headers = { "Mcp-Session-Id": session };
      await (await fetch(mcp, { method: "DELETE", headers })).body?.cancel();
    },
  });
}

/** A gateway of its own. */
export function byStdio(flags: readonly string[], options: StartOptions): TextClient {
  const texts = new Texts();
  const child = new Deno.Command(Deno.execPath(), {
    args: commandLine([...flags, "--outputTransport", "stdio"], options),
    ...{ stdin: "piped", stdout: "piped", stderr: "null", env: environment(options) },
  }).spawn();
  const stdin = child.stdin.getWriter();
  const read = texts.addLines(child.stdout);
  return {
    next: () => texts.next(),
    // On one line, as the transport has it.
    send: (text) => stdin.write(new TextEncoder().encode(`${text.replaceAll(/[\r\n]/g, " ")}\n`)),
    async [Symbol.asyncDispose]() {
      await stdin.close();
      await Promise.all([read, child.status]);
    },
  };
}

class Texts {
  readonly #texts: string[] = [];
  #changed = Promise.withResolvers<void>();

  add(text: string): void {
    this.#texts.push(text);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  async addAll(events: Events): Promise<void> {
    for (let event = await events.next(); event; event = await events.next()) this.add(event.data);
  }

  async addLines(output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let pending = "";
    for await (const piece of output.pipeThrough(new TextDecoderStream())) {
      const lines = (pending + piece).split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) this.add(line);
    }
  }

  next(): Promise<string> {
    return inTime(this.#next(), "The next message");
  }

  async #next(): Promise<string> {
    while (this.#texts.length === 0) await this.#changed.promise;
    return this.#texts.shift() ?? "";
  }
}
