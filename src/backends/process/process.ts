/** An MCP server as a child process that speaks newline-delimited JSON on stdin and stdout. */
import type { Backend, Launch } from "../../core/backend.ts";
import type { Channel, Envelope } from "../../core/channel.ts";
import { BackendError, DisconnectedError, GatewayError, type TooLargeError } from "../../core/errors.ts";
import { background } from "../../core/events.ts";
import { isRequest, isResponse } from "../../core/message/jsonrpc.ts";
import { excessIn, type MessageLimits } from "../../core/message/message_limits.ts";
import type { Outline } from "../../core/message/outline.ts";
import { answersTooLong, parseFromServer } from "../../core/message/parse.ts";
import { Chain, type LinkTo, linkTo } from "../../base/chain.ts";
import { Queue } from "../../base/queue.ts";
import { inTime, within } from "../../base/waiting.ts";
import { encodeLine, LineDecoder } from "../../wire/ndjson.ts";
import { SKIPPED_PAUSE_MS, SKIPPED_TIMES } from "../../wire/skipping.ts";
import { ChildInput } from "./child_input.ts";
import { ChildOutput } from "./child_output.ts";
import { ChildStderr } from "./child_stderr.ts";
import { OrphanWatch } from "./orphan_watch.ts";
import { ProcessGroup } from "./process_group.ts";
import { startChild, type StartOptions } from "./start_child.ts";

/** How long a pipe may stay open after its process has ended: a grandchild may hold it for ever. */
const DRAIN_MS = 500;
/** Between a broken stdin and the exit code that explains it. */
const EXIT_CODE_WAIT_MS = 250;
/** What a log needs of a line that is no message. */
const NOISE_CHARS = 200;

export interface ProcessOptions extends StartOptions {
  /** The longest line that the child may send. */
  readonly maxMessageBytes: number;
  /** Of a message's structure; the usual ones by default. */
  readonly serverLimits?: MessageLimits | undefined;
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
}

export interface ProcessBackend extends Backend {
  /** SIGKILL to every child and its group, at once: for the last moment of the gateway. */
  kill(): void;
}

/** Starts a child for each `open`; the child's whole process group ends with its channel. */
export function processBackend(options: ProcessOptions): ProcessBackend {
  const children = new Chain<LinkTo<ProcessChannel>>();
  const orphans = new OrphanWatch(options);
  return {
    name: options.name,
    // deno-lint-ignore require-await -- so that what `start` throws is a rejection
    async open(launch) {
      orphans.prepare();
      const child = startChild(options, launch);
      // Before anything else: a gateway that is killed from here on leaves nothing behind.
      orphans.add(child.pid);
      const channel = new ProcessChannel(child, options, launch);
      const link = linkTo(channel);
      children.add(link);
      const gone = channel.ended.finally(() => {
        children.remove(link);
        orphans.delete(child.pid);
      });
      background(gone, "child process", options.emit);
      return channel;
    },
    kill() {
      for (const { value: child } of children.all()) child.kill();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(children.all().map(({ value: child }) => child[Symbol.asyncDispose]()));
      await orphans[Symbol.asyncDispose]();
    },
  };
}

class ProcessChannel implements Channel {
  readonly incoming = new Queue<Envelope>();
  /** Settles when the process group is gone and `incoming` has its end. */
  readonly ended: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #options: ProcessOptions;
  readonly #launch: Launch;
  readonly #group: ProcessGroup;
  readonly #input: ChildInput;
  readonly #output: ChildOutput;
  readonly #stderr: ChildStderr;
  /** Requests that the server has and has not answered; one that it never answers only costs that writes gather. */
  #unanswered = 0;
  #closed = false;
  #ready = false;
  #held = false;
  #failure: GatewayError | undefined;

  constructor(child: Deno.ChildProcess, options: ProcessOptions, launch: Launch) {
    const { session, backlog: tally } = launch;
    const { name, stopTimeoutMs, emit } = options;
    this.#child = child;
    this.#options = options;
    this.#launch = launch;
    this.#group = new ProcessGroup(child.pid, { exited: child.status, stopTimeoutMs });
    const onBroken = () => background(this.#inputBroke(), "stdin of a child", emit);
    this.#input = new ChildInput(child.stdin, { onBroken, tally });
    this.#output = new ChildOutput(child.stdout);
    this.#stderr = new ChildStderr(child.stderr, (line) => this.#tellLine("child.stderr", line));
    emit({ type: "child.started", session, pid: child.pid, server: name });
    this.ended = this.#supervise();
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#failure) throw new DisconnectedError(this.#failure.message, { cause: this.#failure });
    if (this.#closed) throw new DisconnectedError("The MCP server has been stopped");
    const beside = this.#unanswered > 0;
    if (isRequest(envelope.message)) this.#unanswered++;
    return this.#input.write(encodeLine(envelope), beside);
  }

  /** Closes the child's stdin when everything is written: the polite way to ask it to end. */
  close(): Promise<void> {
    this.#closed = true;
    this.#input.end();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.incoming.end();
    await this.#group.stop();
    await this.ended;
  }

  kill(): void {
    this.#group.kill();
  }

  // --- the end of the child, whoever brings it about ---

  async #supervise(): Promise<void> {
    const stdout = this.#readStdout();
    await Promise.race([stdout, this.#child.status]);
    const expected = this.#closed && !this.#failure;
    this.#input.end();
    await within(DRAIN_MS, stdout);
    // At once: who waits for an answer need not wait for the last grandchild as well.
    await Promise.all([this.#group.stop(), this.#finish(stdout, expected)]);
  }

  async #finish(stdout: Promise<void>, expected: boolean): Promise<void> {
    const status = await this.#child.status;
    await within(DRAIN_MS, this.#stderr.ended);
    await this.#stderr.cancel();
    this.#tellExit(status, expected || this.#launch.probed === true);
    // What waits in the pipe belongs to the conversation, however slowly it is taken.
    while (!await within(DRAIN_MS, stdout) && this.#held);
    await this.#output.cancel();
    if (expected) this.incoming.end();
    else this.#fail(endOf(status));
  }

  /** The exit code, if there is one soon, tells more than the broken pipe. */
  async #inputBroke(): Promise<void> {
    if (await within(EXIT_CODE_WAIT_MS, this.#child.status) || this.#closed) return;
    this.#fail(new BackendError("The MCP server closed its input"));
  }

  #fail(error: GatewayError): void {
    this.#failure ??= error;
    this.#input.end();
    this.incoming.fail(this.#failure);
  }

  // --- child to gateway ---

  async #readStdout(): Promise<void> {
    const { maxMessageBytes } = this.#options;
    const decoder = new LineDecoder(maxMessageBytes, {
      option: "maxMessageSize",
      maxSkippedBytes: SKIPPED_TIMES * maxMessageBytes,
      onSkipped: (error, outlines) => this.#receiveSkipped(error, outlines),
    });
    try {
      while (true) {
        const reading = this.#output.read();
        const bytes = await (decoder.skipped ? inTime(SKIPPED_PAUSE_MS, reading, decoder.skipped) : reading);
        for (const line of bytes ? decoder.push(bytes) : decoder.end()) {
          const room = this.#receive(line);
          if (room) await this.#wait(room);
        }
        if (!bytes) return;
      }
    } catch (error) {
      this.#fail(
        error instanceof GatewayError ? error : new BackendError("The MCP server's output broke off"),
      );
    }
  }

  #receive(line: string): Promise<void> | void {
    const { messages, refusal } = parseFromServer(line, this.#options.serverLimits);
    if (refusal) this.#tellRefused(line);
    if (messages.length === 0) return;
    if (!this.#ready) this.#tellReady();
    let room: Promise<void> | void = undefined;
    for (const envelope of messages) {
      if (this.#unanswered > 0 && isResponse(envelope.message)) this.#unanswered--;
      room = this.incoming.push(envelope, line.length);
    }
    return room;
  }

  /** A line that is too long is refused to those whom it was to answer; everybody else goes on. */
  #receiveSkipped({ message: reason }: TooLargeError, outlines: readonly Outline[]): void {
    const { name: server, emit } = this.#options;
    emit({ type: "server.trouble", session: this.#launch.session, server, reason });
    for (const envelope of answersTooLong(reason, outlines)) void this.incoming.push(envelope);
  }

  async #wait(room: Promise<void>): Promise<void> {
    this.#held = true;
    await room;
    this.#held = false;
  }

  // --- to observers ---

  #tellLine(type: "child.noise" | "child.stderr", line: string): void {
    this.#options.emit({ type, session: this.#launch.session, pid: this.#child.pid, line });
  }

  /** A server that chats on stdout, or that says more than is taken: told, and not passed on. */
  #tellRefused(line: string): void {
    const { name: server, serverLimits, emit } = this.#options;
    const excess = excessIn(line, serverLimits);
    if (excess === undefined) return this.#tellLine("child.noise", line.slice(0, NOISE_CHARS));
    emit({ type: "server.trouble", session: this.#launch.session, server, reason: `it sent ${excess}` });
  }

  #tellReady(): void {
    this.#ready = true;
    const { emit, name } = this.#options;
    emit({ type: "child.ready", session: this.#launch.session, pid: this.#child.pid, server: name });
  }

  #tellExit({ code, signal }: Deno.CommandStatus, expected: boolean): void {
    const { emit, name } = this.#options;
    const child = { session: this.#launch.session, pid: this.#child.pid, server: name };
    const stderr = expected ? [] : [...this.#stderr.lastLines];
    const early = !expected && !this.#ready;
    const end = { code, signal: signal ?? undefined, expected, ...early && { early }, stderr };
    emit({ type: "child.exited", ...child, ...end });
    if (early) {
      const own = this.#launch.own && { own: true as const };
      emit({ type: "child.failed", ...child, reason: describeExit({ code, signal }), ...own });
    }
  }
}

function endOf(status: Deno.CommandStatus): BackendError {
  return new BackendError(`The MCP server ${describeExit(status)}`, { clean: status.success, exited: true });
}

function describeExit({ code, signal }: { code: number; signal: Deno.Signal | null }): string {
  return signal ? `was ended by ${signal}` : `exited with code ${code}`;
}
