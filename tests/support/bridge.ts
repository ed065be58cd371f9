/** Keystone as clients start it who can only spawn a command: JSON-RPC by hand, one message a line. */
import { inTime } from "../contract/deadline.ts";
import { commandLine, environment, leaper, type StartOptions } from "./keystone.ts";
import { type AnyMessage, callTool, initialize } from "./rpc.ts";

/** Short pauses, so that a test of repetitions is quick. */
export const QUICK_RETRY = ["--retryDelay", "10ms", "--retryMaxDelay", "50ms"];

/** Disposal closes stdin and waits for the end. */
export class Bridge implements AsyncDisposable {
  /** Every line of stdout so far, as it came. */
  readonly lines: string[] = [];
  /** Those lines as messages. */
  readonly messages: AnyMessage[] = [];
  /** With `leapMs`: so much time passes at once. */
  readonly leap: () => Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<unknown>;
  #stderr = "";
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(flags: readonly string[], options: StartOptions = {}) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: commandLine(flags, options),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: environment(options),
    }).spawn();
    this.leap = leaper(this.#child.pid, (pattern) => this.logged(pattern));
    this.#stdin = this.#child.stdin.getWriter();
    const { stdout, stderr } = this.#child;
    this.#read = Promise.all([
      textOf(stdout, (text) => this.#take(text)),
      textOf(stderr, (text) => this.#hear(text)),
    ]).finally(() => {
      this.#ended = true;
      this.#tell();
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Writes a message, or text as it is with a newline. */
  async send(message: unknown): Promise<void> {
    const line = typeof message === "string" ? message : JSON.stringify(message);
    await this.#stdin.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Sends a request and settles with its answer. */
  async ask(request: { id: unknown }): Promise<AnyMessage> {
    await this.send(request);
    return await this.answer(request.id);
  }

  /** Calls a tool and settles with the answer. */
  call(id: unknown, name = "echo", args: unknown = {}): Promise<AnyMessage> {
    return this.ask(callTool(id, name, args));
  }

  /** The whole handshake; settles with the answer to `initialize`. */
  async begin(id: unknown = "init", capabilities: unknown = {}): Promise<AnyMessage> {
    const answer = await this.ask(initialize(id, "2025-11-25", capabilities));
    await this.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return answer;
  }

  /** The answer to the request of this id, type included. */
  answer(id: unknown): Promise<AnyMessage> {
    return this.next((message) => message.id === id && message.method === undefined);
  }

  answersTo(id: unknown): AnyMessage[] {
    return this.messages.filter((message) => message.id === id && message.method === undefined);
  }

  /** The first message that fits, early or late. */
  async next(fits: (message: AnyMessage) => boolean): Promise<AnyMessage> {
    await this.#until(() => this.messages.some(fits), "The message");
    return this.messages.find(fits);
  }

  /** Settles when stderr matches. */
  async logged(pattern: RegExp): Promise<string> {
    await this.#until(() => pattern.test(this.#stderr), `${pattern} on stderr`);
    return this.#stderr;
  }

  /** Closes stdin. */
  async end(): Promise<void> {
    await this.#stdin.close();
  }

  /** Settles when the process has ended and all its output is read. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await inTime(this.#child.status, "The end of the bridge");
    await this.#read;
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A test may have closed it already, and a process that is gone reads nothing.
    await this.end().catch(() => {});
    await this.ended();
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const held = async () => {
      while (!holds()) {
        if (this.#ended) throw new Error(`${what} never came:\n${this.#said()}`);
        await this.#changed.promise;
      }
    };
    await inTime(held(), what).catch((error) => {
      throw new Error(`${error.message}\n${this.#said()}`);
    });
  }

  #said(): string {
    return `stdout: ${this.lines.map((line) => line.slice(0, 500)).join("\n")}\nstderr: ${this.#stderr}`;
  }

  /** `text` ends at a line end. */
  #take(text: string): void {
    for (const line of text.split("\n")) {
      if (line === "") continue;
      this.lines.push(line);
      this.messages.push(JSON.parse(line));
    }
    this.#tell();
  }

  #hear(text: string): void {
    this.#stderr += text;
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** Gives whole lines to `take`, several at a time. */
async function textOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (text: string) => void) {
  let pending: string[] = [];
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const end = text.lastIndexOf("\n") + 1;
    pending.push(text.slice(0, end || undefined));
    if (end === 0) continue;
    take(pending.join(""));
    pending = [text.slice(end)];
  }
  take(pending.join(""));
}
