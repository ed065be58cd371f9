/** An MCP server as a child process that speaks newline-delimited JSON on stdin and stdout. */
import type { Backend, Launch } from "../core/backend.ts";
import type { Channel, Envelope } from "../core/channel.ts";
import { BackendError, DisconnectedError, GatewayError } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import { parseMessage } from "../core/parse.ts";
import { Queue } from "../core/queue.ts";
import { encodeLine, LineDecoder } from "../wire/ndjson.ts";
import { ProcessGroup } from "./process_group.ts";

/** How much may wait for a child that does not read before the sender is held back. */
const OUTBOX_HIGH_WATER = 64 * 1024;
/** How long a pipe may stay open after its process has ended: a grandchild may hold it for ever. */
const DRAIN_MS = 500;
/** Between a broken stdin and the exit code that explains it. */
const EXIT_CODE_WAIT_MS = 250;
/** The lines of stderr that a crash is logged with. */
const STDERR_LINES = 20;
const STDERR_LINE_BYTES = 64 * 1024;
/** What a log needs of a line that is no message. */
const NOISE_CHARS = 200;

export interface ProcessOptions {
  /** For logs and banners. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** `program` is a line for the shell. */
  readonly shell: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** The longest line that the child may send. */
  readonly maxMessageBytes: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
  readonly emit: Sink;
}

export interface ProcessBackend extends Backend {
  /** SIGKILL to every child and its group, at once: for the last moment of the gateway. */
  kill(): void;
}

/** Starts a child for each `open`; the child's whole process group ends with its channel. */
export function processBackend(options: ProcessOptions): ProcessBackend {
  const children = new Set<ProcessChannel>();
  return {
    name: options.name,
    open(launch: Launch): Promise<Channel> {
      const channel = new ProcessChannel(start(options, launch), options, launch.session);
      children.add(channel);
      channel.ended.finally(() => children.delete(channel));
      return Promise.resolve(channel);
    },
    kill() {
      for (const child of children) child.kill();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...children].map((child) => child[Symbol.asyncDispose]()));
    },
  };
}

function start(options: ProcessOptions, launch: Launch): Deno.ChildProcess {
  const { name, cwd, emit } = options;
  const [program, args] = argv(options, launch.args);
  try {
    return new Deno.Command(program, {
      args,
      env: { ...options.env, ...launch.env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // Its own process group, so that it can be stopped with everything it starts.
      detached: Deno.build.os !== "windows",
      ...(cwd === undefined ? {} : { cwd }),
    }).spawn();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    emit({ type: "child.failed", session: launch.session, server: name, reason });
    throw new BackendError("The MCP server could not be started", { cause });
  }
}

function argv({ program, args, shell }: ProcessOptions, more: readonly string[]): [string, string[]] {
  if (!shell) return [program, [...args, ...more]];
  if (Deno.build.os === "windows") return ["cmd.exe", ["/d", "/s", "/c", program]];
  // "$@" hands further arguments to the line without quoting them again.
  return more.length === 0
    ? ["/bin/sh", ["-c", program]]
    : ["/bin/sh", ["-c", `${program} "$@"`, "sh", ...more]];
}

class ProcessChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  /** Settles when the process group is gone and `incoming` has its end. */
  readonly ended: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #options: ProcessOptions;
  readonly #session: string;
  readonly #group: ProcessGroup;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #stderr: string[] = [];
  #outbox: string[] = [];
  #outboxSize = 0;
  #writing: Promise<void> | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #closed = false;
  #ready = false;
  #failure: GatewayError | undefined;

  constructor(child: Deno.ChildProcess, options: ProcessOptions, session: string) {
    this.#child = child;
    this.#options = options;
    this.#session = session;
    this.#group = new ProcessGroup(child.pid, {
      exited: child.status,
      stopTimeoutMs: options.stopTimeoutMs,
    });
    this.#input = child.stdin.getWriter();
    this.#output = child.stdout.getReader();
    options.emit({ type: "child.started", session, pid: child.pid, server: options.name });
    this.ended = this.#supervise();
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#closed) throw this.#failure ?? new DisconnectedError("The MCP server has been stopped");
    const line = encodeLine(envelope);
    this.#outbox.push(line);
    this.#outboxSize += line.length;
    this.#writing ??= this.#write();
    if (this.#outboxSize < OUTBOX_HIGH_WATER) return;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Closes the child's stdin when everything is written: the polite way to ask it to end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // A child that does not read must not keep us from stopping it.
    if (this.#outboxSize < OUTBOX_HIGH_WATER) await Promise.race([this.#writing, this.#child.status]);
    await ignoreBroken(this.#input.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#room?.resolve();
    this.incoming.end();
    // Not awaited: it settles only when the child has read all, and stopping does not wait for that.
    void ignoreBroken(this.#input.close());
    await this.#group.stop();
    await this.ended;
  }

  kill(): void {
    this.#group.kill();
  }

  // --- gateway to child ---

  /** Writes what has gathered as one piece, so that a burst of messages costs one system call. */
  async #write(): Promise<void> {
    try {
      while (this.#outbox.length > 0) {
        const text = this.#outbox.length === 1 ? this.#outbox[0]! : this.#outbox.join("");
        this.#outbox = [];
        this.#outboxSize = 0;
        await this.#input.write(this.#encoder.encode(text));
        this.#room?.resolve();
        this.#room = undefined;
      }
    } catch {
      // EPIPE: the exit code, if there is one, tells more than the broken pipe.
      await Promise.race([this.#child.status, delay(EXIT_CODE_WAIT_MS)]);
      this.#fail(new BackendError("The MCP server closed its input"));
    } finally {
      this.#writing = undefined;
      this.#room?.resolve();
    }
  }

  // --- child to gateway ---

  async #supervise(): Promise<void> {
    const stderr = this.#readStderr();
    const stdout = this.#readStdout();
    await Promise.race([stdout, this.#child.status]);
    await Promise.race([stdout, delay(DRAIN_MS)]);
    const expected = this.#closed && !this.#failure;
    this.#closed = true;
    void ignoreBroken(this.#input.close());
    await this.#group.stop();
    await ignoreBroken(this.#output.cancel());
    const status = await this.#child.status;
    await Promise.race([stderr, delay(DRAIN_MS)]);
    this.#tellExit(status, expected);
    if (expected) this.incoming.end();
    else this.#fail(new BackendError(`The MCP server ${describeExit(status)}`));
  }

  async #readStdout(): Promise<void> {
    const decoder = new LineDecoder(this.#options.maxMessageBytes);
    try {
      while (true) {
        const { value, done } = await this.#output.read();
        const lines = done ? decoder.end() : decoder.push(value);
        for (const line of lines) {
          const room = this.#receive(line);
          if (room) await room;
        }
        if (done) return;
      }
    } catch (error) {
      this.#fail(
        error instanceof GatewayError ? error : new BackendError("The MCP server's output broke off"),
      );
    }
  }

  #receive(line: string): Promise<void> | void {
    let envelope: Envelope;
    try {
      envelope = { message: parseMessage(line), text: line, relatesTo: undefined };
    } catch {
      return this.#tell("child.noise", line.slice(0, NOISE_CHARS));
    }
    if (!this.#ready) this.#tellReady();
    return this.incoming.push(envelope, line.length);
  }

  async #readStderr(): Promise<void> {
    let decoder = new LineDecoder(STDERR_LINE_BYTES);
    const log = (lines: string[]) => {
      for (const line of lines) {
        if (this.#stderr.push(line) > STDERR_LINES) this.#stderr.shift();
        this.#tell("child.stderr", line);
      }
    };
    try {
      for await (const chunk of this.#child.stderr) {
        try {
          log(decoder.push(chunk));
        } catch {
          log([`(a line longer than ${STDERR_LINE_BYTES} bytes was left out)`]);
          decoder = new LineDecoder(STDERR_LINE_BYTES);
        }
      }
      log(decoder.end());
    } catch (error) {
      this.#options.emit({ type: "fault", where: "stderr of the child", error });
    }
  }

  #fail(error: GatewayError): void {
    this.#failure ??= error;
    this.#closed = true;
    this.incoming.fail(this.#failure);
    this.#room?.resolve();
  }

  #tell(type: "child.noise" | "child.stderr", line: string): void {
    this.#options.emit({ type, session: this.#session, pid: this.#child.pid, line });
  }

  #tellReady(): void {
    this.#ready = true;
    const { emit, name } = this.#options;
    emit({ type: "child.ready", session: this.#session, pid: this.#child.pid, server: name });
  }

  #tellExit({ code, signal }: Deno.CommandStatus, expected: boolean): void {
    const { emit, name } = this.#options;
    const child = { session: this.#session, pid: this.#child.pid, server: name };
    const stderr = expected ? [] : [...this.#stderr];
    emit({ type: "child.exited", ...child, code, signal: signal ?? undefined, expected, stderr });
    if (!expected && !this.#ready) {
      emit({ type: "child.failed", ...child, reason: describeExit({ code, signal }) });
    }
  }
}

function describeExit({ code, signal }: { code: number; signal: Deno.Signal | null }): string {
  return signal ? `was ended by ${signal}` : `exited with code ${code}`;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    // It only bounds a wait, and must not keep the process alive by itself.
    Deno.unrefTimer(timer);
  });
}

/** For pipes to a process that may have ended: "already closed" and "broken" are both fine. */
async function ignoreBroken(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
