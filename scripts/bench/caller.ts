/** What makes calls, over whichever wire. */
import { idOf, type Shape, WrongAnswerError } from "./calls.ts";
import type { SessionId } from "./session.ts";

/** Has one call open at a time. */
export interface Caller {
  /** Resolves to the text that came back, unchecked. */
  call(id: number): Promise<string>;
  close(): void;
}

export interface CallersOptions {
  readonly count: number;
  readonly shape: Shape;
  /** Sessions to take turns in, over plain HTTP; the callers of other wires share one of their own. */
  readonly sessions: readonly SessionId[];
}

/** Brings the answers of one stream to the callers that wait for them. */
export class Mailbox {
  readonly #waiting = new Map<number, PromiseWithResolvers<string>>();
  #failure: unknown;

  expect(id: number): Promise<string> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const answer = Promise.withResolvers<string>();
    this.#waiting.set(id, answer);
    return answer.promise;
  }

  /** Takes every message until the stream breaks; what the server starts by itself is nobody's answer. */
  async deliverAll(messages: AsyncIterable<string>): Promise<void> {
    try {
      for await (const text of messages) {
        if (!text.includes('"method":')) this.#deliver(text);
      }
      throw new Error("The stream has ended");
    } catch (error) {
      this.#failure = error;
      for (const { reject } of this.#waiting.values()) reject(error);
    }
  }

  #deliver(text: string): void {
    const id = idOf(text);
    const answer = this.#waiting.get(id);
    if (!answer) throw new WrongAnswerError(`Nobody asked for ${text.slice(0, 200)}`);
    this.#waiting.delete(id);
    answer.resolve(text);
  }
}
