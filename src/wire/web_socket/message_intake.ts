/** What the far side says, from the text of a frame to messages in a queue: each text is taken in, or refused. */
import type { Queue } from "../../base/queue.ts";
import type { Backlog } from "../../core/backlog.ts";
import type { Allowance } from "../../core/caller.ts";
import { type BufferLimits, enqueue, type Envelope } from "../../core/channel.ts";
import { GatewayError, toRpcError } from "../../core/errors.ts";
import { errorOf, isRequest, isResponse, type JsonRpcMessage } from "../../core/message/jsonrpc.ts";
import type { MessageLimits } from "../../core/message/message_limits.ts";
import { parseMessages, type Said } from "../../core/message/parse.ts";
import type { Side } from "./frames.ts";

/** The limits are those of what came and has not been read. */
export interface MessageIntakeOptions extends BufferLimits {
  readonly side: Side;
  /** Of a message's structure; the usual ones by default. */
  readonly limits?: MessageLimits | undefined;
  /** What waits for a server: what came from here where we are its client's end, what is sent where we are its own. */
  readonly backlog?: Backlog | undefined;
  /** How many messages the far side may say, answers aside: there are no more of them than of questions. */
  readonly allowance?: Allowance | undefined;
  /** A message was not taken, since too much waits for its server or comes from there; the asker of a request hears it. */
  readonly onRefused?: (error: GatewayError) => void;
  /** A text frame was no message: what to answer, if anything. */
  readonly onInvalid: (error: GatewayError, text: string) => JsonRpcMessage | undefined;
}

/** Who says what is taken in. */
interface Speaker {
  /** Tells him. */
  answer(text: string): void;
  /** More of him waits than may. */
  overflow(): void;
}

export class MessageIntake {
  readonly #queue: Queue<Envelope>;
  readonly #speaker: Speaker;
  readonly #options: MessageIntakeOptions;
  /** Whose messages wait for a server; the messages of a server itself do not. */
  readonly #backlog: Backlog | undefined;
  #stopped = false;

  constructor(queue: Queue<Envelope>, speaker: Speaker, options: MessageIntakeOptions) {
    this.#queue = queue;
    this.#speaker = speaker;
    this.#options = options;
    this.#backlog = options.side === "server" ? options.backlog : undefined;
    if (this.#backlog) queue.countIn(this.#backlog);
  }

  /** Nothing more is taken in. */
  stop(): void {
    this.#stopped = true;
  }

  take(text: string): void {
    const { limits, maxBufferedMessages, maxBufferedBytes } = this.#options;
    if (this.#stopped) return;
    if (this.#queue.size >= maxBufferedMessages || this.#queue.weight >= maxBufferedBytes) {
      return this.#speaker.overflow();
    }
    try {
      const { said } = parseMessages(text, limits);
      const refusal = this.#backlog?.refusal() ?? this.#tooFast(said);
      if (refusal) return this.#refuse(said, refusal);
      const weight = Math.ceil(text.length / said.length);
      for (const envelope of said) void enqueue(this.#queue, envelope, weight);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const answer = this.#options.onInvalid(error, text);
      if (answer) this.#answer(answer);
    }
  }

  #tooFast(said: readonly Said[]): GatewayError | undefined {
    const { allowance } = this.#options;
    if (!allowance) return undefined;
    const count = said.reduce((sum, { message }) => isResponse(message) ? sum : sum + 1, 0);
    return count > 0 ? allowance.refusal(count) : undefined;
  }

  /** Others may have filled what this client shares with them: it need not go for that. */
  #refuse(said: readonly Said[], refusal: GatewayError): void {
    for (const { message } of said) {
      if (isRequest(message)) this.#answer(errorOf(message.id, toRpcError(refusal)));
      else this.#options.onRefused?.(refusal);
    }
  }

  #answer(answer: JsonRpcMessage): void {
    this.#speaker.answer(JSON.stringify(answer));
  }
}
