/** What servers say: to the client, but for answers that say that their request is to be sent again. */
import type { Channel, Envelope, Undelivered } from "../../core/channel.ts";
import { durationText } from "../../base/duration.ts";
import { optionName } from "../../base/option_name.ts";
import { BackendError, TimeoutError } from "../../core/errors.ts";
import { background } from "../../core/events.ts";
import { cancelledId } from "../../core/mcp/messages.ts";
import { isRequest, isResponse, type JsonRpcResponse, type RequestId } from "../../core/message/jsonrpc.ts";
import { pause, pauseBefore, type Retry } from "../../base/retry.ts";
import { inTime } from "../../base/waiting.ts";
import type { ClientRequest } from "./client_requests.ts";
import type { Conversation } from "./conversation.ts";
import type { Life } from "./life.ts";
import { Losses } from "./server_news.ts";
import type { Upward } from "./upward.ts";

export class Downward {
  readonly #conversation: Conversation;
  readonly #upward: Upward;

  constructor(conversation: Conversation, upward: Upward) {
    this.#conversation = conversation;
    this.#upward = upward;
  }

  /** Tells a new server what the last one knew. Throws TimeoutError when that takes too long. */
  async replay(life: Life): Promise<void> {
    const { memory, requests, news, incoming, options: { replayTimeoutMs, shared } } = this.#conversation;
    const within = `${durationText(replayTimeoutMs)} (${optionName("startTimeout")})`;
    const late = new TimeoutError(`The MCP server did not answer the handshake within ${within}`);
    const { server, messages } = life;
    const pass = (envelope: Envelope) => this.receive(life, envelope);
    const isOpen = (id: RequestId) => requests.has(id);
    try {
      const replayed = memory.replay({ server, messages, pass, isOpen });
      const answer = await inTime(replayTimeoutMs, replayed, late);
      // A shared server keeps the new answer, from which the handshakes of later clients are answered.
      if (answer && shared) void incoming.push({ ...answer, introduces: true });
    } catch (error) {
      if (error === late) news.late(late.message);
      throw error;
    }
  }

  receive(life: Life, envelope: Envelope): Promise<void> | void {
    const { asked, incoming } = this.#conversation;
    const { message } = envelope;
    if (isResponse(message)) return this.#hearAnswer(life, envelope, message);
    if (isRequest(message)) asked.add(message.id, life.server);
    else {
      const cancelled = cancelledId(message);
      if (cancelled !== undefined) asked.take(cancelled);
    }
    return incoming.push(envelope, envelope.text?.length);
  }

  /** What this server had in its hands is answered with why it ended, and what it asked is taken back. */
  lose(life: Life, reason: unknown): void {
    const losses = new Losses(reason);
    for (const request of this.#conversation.requests.inHandsOf(life.server)) {
      const { envelope } = request;
      if (envelope && this.#isTriedOnceMore(request, life, reason)) {
        request.sentTo = undefined;
        this.#upward.deliverLater(request, envelope);
      } else this.#upward.fail(request.id, losses.of(request));
    }
    this.withdraw(life.server);
  }

  /** A new server does not know what this one asked, and may use the same id for something else. */
  withdraw(server: Channel): void {
    const { asked, incoming } = this.#conversation;
    for (const message of asked.withdraw(server)) void incoming.push({ message });
  }

  /** A handshake does nothing that could be lost, so one that met a dying server may go to the next one. */
  #isTriedOnceMore(request: ClientRequest, { replaced }: Life, reason: unknown): boolean {
    const { current, options: { handshakeTries = 1 } } = this.#conversation;
    if (!request.isHandshake || current.closed) return false;
    return replaced || (!isPermanent(reason) && ++request.attempts < handshakeTries);
  }

  // --- answers ---

  #hearAnswer(life: Life, said: Envelope, answer: JsonRpcResponse): Promise<void> | void {
    const { current, names, requests, incoming } = this.#conversation;
    const { server } = life;
    // One that is gone, or is told what the last one knew, has nothing that could be meant.
    const envelope = server === current.server ? names.underRequestId(said, answer, requests) : said;
    const message = envelope === said ? answer : envelope.message;
    if (!isResponse(message)) return;
    const { undelivered } = envelope;
    // Nobody else is sent to a server that is lost, also while it has not ended yet.
    if (undelivered?.again === "now") current.drop(server);
    if (undelivered && this.#isSentAgain(undelivered, message)) return;
    this.#settle(life, message);
    return incoming.push(envelope, envelope.text?.length);
  }

  #settle(life: Life, message: JsonRpcResponse): void {
    const { memory, requests, record } = this.#conversation;
    const request = message.id === null ? undefined : requests.end(message.id);
    memory.noteAnswer(message);
    // A handshake is no proof: some servers answer it and fail at every request after that.
    if (request && !request.isHandshake) record.answered(life);
  }

  // --- what is sent again ---

  /** False when it would be of no use, or was tried often enough. */
  #isSentAgain(undelivered: Undelivered, message: JsonRpcResponse): boolean {
    const { requests, news, options: { retry, emit } } = this.#conversation;
    const request = message.id === null ? undefined : requests.get(message.id);
    if (!request?.envelope || !isMendable(undelivered)) return false;
    const why = "error" in message ? message.error.message : "it was not delivered";
    if (++request.attempts > retry.attempts) {
      news.requestGivenUp(why, request.attempts);
      return false;
    }
    request.sentTo = undefined;
    const pauseMs = pauseFor(undelivered, request.attempts, retry);
    news.sentAgain(why, pauseMs);
    background(this.#sendLater(request, pauseMs), "sending again", emit);
    return true;
  }

  async #sendLater(request: ClientRequest, pauseMs: number): Promise<void> {
    const { requests, signal } = this.#conversation;
    try {
      await pause(pauseMs, signal);
    } catch {
      return; // The conversation is over.
    }
    if (requests.waits(request)) await this.#upward.deliver(request);
  }
}

/** Whether another connection or a pause may help; not where the far end may be no MCP server at all. */
function isMendable({ again, why }: Undelivered): boolean {
  return again === "now" || (again === "later" && (why === undefined || why === "busy"));
}

/** As long as the server asks, within bounds. */
function pauseFor({ again, afterMs }: Undelivered, attempts: number, retry: Retry): number {
  return again === "now" ? 0 : Math.min(afterMs ?? pauseBefore(attempts, retry), retry.maxDelayMs);
}

function isPermanent(reason: unknown): boolean {
  return reason instanceof BackendError && reason.permanent;
}
