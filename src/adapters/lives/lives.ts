/**
 * The lives of a server: it is opened, told what the last one knew, and heard until it ends; after a pause there is the next
 * one. `run` is that sequence. What becomes of the messages is told in upward.ts and downward.ts.
 */
import type { Launch, LaunchSettings } from "../../core/backend.ts";
import { free } from "../../core/channel.ts";
import { BackendError, serverFailure } from "../../core/errors.ts";
import { background } from "../../core/events.ts";
import { InTurn } from "../../base/in_turn.ts";
import type { Failure } from "../../base/readable.ts";
import { until } from "../../base/waiting.ts";
import type { Conversation } from "./conversation.ts";
import { type ConnectRequest, gone } from "./current_server.ts";
import type { Downward } from "./downward.ts";
import type { Life } from "./life.ts";
import { inTries } from "./tries.ts";

export class Lives {
  readonly #conversation: Conversation;
  readonly #downward: Downward;
  /** What the next server is opened with. */
  #launch: Launch;
  /** Ends what is being opened: the conversation is over, or there is another launch by now. */
  #opening: AbortController | undefined;
  /** The server that was opened last; none from the next try on. */
  #latest: Life | undefined;
  /** Settles when the last server that ended is gone with everything it held. */
  #freed: Promise<void> = Promise.resolve();

  constructor(conversation: Conversation, launch: Launch, downward: Downward) {
    this.#conversation = conversation;
    this.#launch = launch;
    this.#downward = downward;
  }

  /** One server after the other, each as soon as somebody wants it, until the conversation is over. */
  async run(): Promise<void> {
    const { current } = this.#conversation;
    for (let request = await current.nextRequest(); request; request = await current.nextRequest()) {
      try {
        await this.#open(request);
      } catch (error) {
        this.#giveUp(request, error);
      }
      await current.left;
    }
  }

  /**
   * Ends the server of the moment in good order, opens the next one with these settings, and tells it what the last one knew.
   * Settles when it is there; rejects with why it cannot be opened, and then the next request has it tried again. Where
   * there is no server, none is opened before somebody asks for it.
   */
  async reopen({ args, env, headers }: LaunchSettings): Promise<void> {
    const { current, memory, record, incoming } = this.#conversation;
    if (current.closed || incoming.ended) throw gone();
    this.#launch = { ...this.#launch, args, env, headers };
    record.beginAnew();
    const { life } = current;
    if (life) this.#replace(life);
    else this.#opening?.abort(gone());
    if (life || current.pending) await current.connect({ replays: memory.established });
  }

  /** Settles when nothing is being opened any more, and what was open is disposed. */
  async dispose(): Promise<void> {
    const { current } = this.#conversation;
    this.#opening?.abort(gone());
    await current.stop();
    await current.server?.[Symbol.asyncDispose]();
    await this.#freed;
  }

  // --- a server is opened, and told what the last one knew ---

  /** From the beginning, should there be another launch meanwhile. */
  async #open(request: ConnectRequest): Promise<void> {
    const { signal: over } = this.#conversation;
    while (true) {
      over.throwIfAborted();
      const { signal } = this.#opening = new AbortController();
      try {
        return await this.#openInTries(request, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        this.#opening = undefined;
      }
    }
  }

  /** A gateway that stops ends the pauses, and leaves a server alone that is being opened. */
  #openInTries(request: ConnectRequest, signal: AbortSignal): Promise<void> {
    const { record, news, options } = this.#conversation;
    const { retry, stopping, delivers = false, firstAttempts = retry.attempts } = options;
    return inTries(() => this.#openOnce(request, signal), {
      attempts: request.replays ? retry.attempts : firstAttempts,
      retry,
      record,
      news,
      // The end of a child is told by itself.
      tellsGivenUp: !delivers,
      signal,
      stopping,
    });
  }

  async #openOnce({ replays }: ConnectRequest, signal: AbortSignal): Promise<void> {
    // What the last one held may be what the next one needs: a lock, a port, its place among the children.
    await this.#freed;
    signal.throwIfAborted();
    this.#conversation.record.admit();
    this.#latest = undefined;
    const life = await this.#begun(signal);
    const { server } = life;
    try {
      signal.throwIfAborted();
      if (replays) await until(signal, this.#downward.replay(life));
      signal.throwIfAborted();
    } catch (error) {
      this.#downward.withdraw(server);
      await server[Symbol.asyncDispose]();
      this.#conversation.record.failed(life, error, signal);
      throw error;
    }
    this.#begin(life, replays);
  }

  async #begun(signal: AbortSignal): Promise<Life> {
    const { backend, record } = this.#conversation;
    const begun = { since: performance.now(), answered: false, replaced: false };
    try {
      const server = await backend.open(this.#launch, signal);
      return { ...begun, server, messages: new InTurn(server.incoming) };
    } catch (error) {
      record.failed(begun, error, signal);
      throw error;
    }
  }

  /** Whoever waits hears why, and who comes later has it tried anew. */
  #giveUp(request: ConnectRequest, error: unknown): void {
    const { current, news, options: { delivers } } = this.#conversation;
    current.refuse(error);
    if (request.unasked && delivers) news.givenUp(error);
  }

  // --- it is there, and is heard to its end ---

  #begin(life: Life, replays: boolean): void {
    const { current, line, memory, news, options: { emit } } = this.#conversation;
    this.#latest = life;
    current.fulfil(life);
    this.#hear(life);
    background(line.go(), "connecting", emit);
    if (replays && memory.established) news.restored();
  }

  /** Also what it goes on to say when its successor is there already. */
  #hear(life: Life): void {
    const { emit } = this.#conversation.options;
    life.messages.read(
      (envelope) => this.#downward.receive(life, envelope),
      (failure) => background(this.#ended(life, failure), "supervised server", emit),
    );
  }

  #replace(life: Life): void {
    const { current, options: { emit } } = this.#conversation;
    const fault = (error: unknown) => emit({ type: "fault", where: "end of a server", error });
    life.replaced = true;
    current.drop(life.server);
    this.#freed = free(life.server, { reason: replaced(), fault });
  }

  // --- why it ended, and what follows from it ---

  async #ended(life: Life, failure: Failure | undefined): Promise<void> {
    const { current, incoming } = this.#conversation;
    const reason = failure ? failure.error : new BackendError("The MCP server closed the connection");
    // Whoever has ended it may not be done with that.
    await Promise.resolve();
    if (life.replaced) this.#downward.lose(life, replaced());
    else this.#learn(life, reason);
    if (current.closed) incoming.end();
    else if (!life.replaced) this.#mend(reason);
    await this.#freed;
  }

  /** Its end counts against the server, unless its successor is there already or is being opened. */
  #learn(life: Life, reason: unknown): void {
    const { current, requests, record } = this.#conversation;
    const { server } = life;
    const provoked = requests.inHandsOf(server).some(({ isHandshake }) => !isHandshake);
    current.drop(server);
    this.#freed = server[Symbol.asyncDispose]();
    // An end after our own close is no failure.
    if (this.#latest === life) record.broke(life, current.closed ? undefined : { reason, provoked });
    this.#downward.lose(life, reason);
  }

  /** What the server says by itself must go on too, so this does not wait for the next request. */
  #mend(reason: unknown): void {
    const { current, memory, record, news, signal, options } = this.#conversation;
    const { stopping, reopens = () => true } = options;
    news.trouble(serverFailure(reason), { cause: reason });
    const over = signal.aborted || stopping?.aborted;
    if (!memory.established || over || !reopens(reason) || current.server) return;
    if (record.exhausted) return news.givenUp(reason);
    current.requestConnect({ replays: true, unasked: true });
  }
}

function replaced(): BackendError {
  return new BackendError("The MCP server was opened again with other settings");
}
