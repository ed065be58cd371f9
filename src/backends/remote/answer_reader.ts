/** Reads what a POST of Streamable HTTP is answered with: JSON, or events over as many connections as it may take. */
import type { Envelope } from "../../core/channel.ts";
import { GatewayError } from "../../core/errors.ts";
import { answersSole, isId, isResponse, type RequestId } from "../../core/message/jsonrpc.ts";
import { parseFromServer } from "../../core/message/parse.ts";
import { withAnswerId } from "../../wire/answer_id.ts";
import type { PendingCalls } from "./pending_calls.ts";
import { eventSource, isMessage } from "./event_source.ts";
import type { RemoteOptions } from "./remote.ts";
import { displayUrl, lostAnswer, otherTransport, RemoteError } from "./remote_error.ts";
import { EVENT_STREAM } from "../../wire/sse.ts";
import { readEvents, type ReceivedEvent } from "../../wire/sse_reader.ts";
import { contentType, readMessages, unexpectedResponse } from "./response.ts";

interface AnswerReaderOptions<C extends Call> {
  readonly remote: RemoteOptions;
  /** All that are open. */
  readonly calls: Pick<PendingCalls, "has">;
  /** Opens an event stream after the event of this id; without it, an answer that breaks off is lost. */
  readonly resume?: (cursor: string | undefined, signal: AbortSignal) => Promise<Response>;
  /** Takes each message, and what it came in. */
  readonly receive: (envelope: Envelope, response: Response, call: C) => Promise<void> | void;
  readonly tell: (reason: string) => void;
  /** Hears of what is understood though it is not as it should be. */
  readonly tellOdd: (reason: string) => void;
}

/** A request, and how to know that nobody waits for its answer any more. */
export interface Call {
  readonly id: RequestId;
  readonly signal: AbortSignal;
}

export class AnswerReader<C extends Call = Call> {
  readonly #options: AnswerReaderOptions<C>;

  constructor(options: AnswerReaderOptions<C>) {
    this.#options = options;
  }

  /**
   * Settles once the request has been answered, or with an error where it was taken and nothing was said to it: its answer
   * may come elsewhere. Throws for everything else.
   */
  read(response: Response, call: C): Promise<RemoteError | undefined> {
    return contentType(response) === EVENT_STREAM
      ? this.#follow(response, call)
      : this.#readJson(response, call);
  }

  /** The messages of an event, or what their askers are told instead. */
  envelopesOf(event: string): readonly Envelope[] {
    const { remote, tell } = this.#options;
    const { messages, refusal } = parseFromServer(event, remote.serverLimits);
    if (refusal) tell(`an event was not taken: ${refusal.message}`);
    return messages;
  }

  async #readJson(response: Response, call: C): Promise<RemoteError | undefined> {
    const { url } = this.#options.remote;
    const said = await readMessages(this.#options.remote, response);
    if (said.length === 0) return unexpectedResponse(url, response, "");
    if (await this.#pass(said, response, call)) return undefined;
    throw new RemoteError(`${displayUrl(url)} answered without a response to the request`, {
      delivered: true,
    });
  }

  async #follow(first: Response, call: C): Promise<RemoteError | undefined> {
    const { url } = this.#options.remote;
    let empty = true;
    try {
      for await (const event of this.#events(first, call)) {
        if (empty && event.event === "endpoint") return otherTransport(url, first);
        empty = false;
        if (!isMessage(event)) continue;
        if (await this.#pass(this.envelopesOf(event.data), first, call)) return undefined;
      }
    } catch (error) {
      const ours = error instanceof GatewayError && !(error instanceof RemoteError);
      // Why the answer cannot be fetched says nothing about its request, which the server has taken.
      throw ours ? error : lostAnswer(url, error);
    }
    const lost = lostAnswer(url);
    if (empty) return lost;
    throw lost;
  }

  #events(first: Response, { signal }: C): AsyncGenerator<ReceivedEvent> {
    const { remote: { retry, maxMessageBytes: maxBytes }, resume } = this.#options;
    if (!resume) return readEvents(first.body ?? new Blob().stream(), { maxBytes });
    const connect = (cursor: string | undefined) => resume(cursor, signal);
    return eventSource({ kind: "answer", connect, first, signal, retry, maxBytes });
  }

  /** True when the answer to the request was among them. */
  async #pass(said: readonly Envelope[], response: Response, call: C): Promise<boolean> {
    const { id } = call;
    let answered = false;
    for (const one of said) {
      const envelope = this.#underRequestId(one, id);
      answered ||= isResponse(envelope.message) && envelope.message.id === id;
      await this.#options.receive({ ...envelope, relatesTo: id }, response, call);
    }
    return answered;
  }

  /** What comes in the answer to a POST answers its request, though it may not name it as it was asked. */
  #underRequestId(envelope: Envelope, id: RequestId): Envelope {
    const { message } = envelope;
    if (!answersSole(message, id) || message.id === id) return envelope;
    if (isId(message.id)) {
      const { calls, tellOdd } = this.#options;
      if (calls.has(message.id)) return envelope;
      tellOdd(`it answers under ids of another type than it was asked with (${typeof id})`);
    }
    return withAnswerId(envelope, message, id);
  }
}
