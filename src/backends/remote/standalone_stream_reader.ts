/** The stream on which a server speaks by itself (GET), and on which some answer what was posted. */
import { Chain, type LinkTo, linkTo } from "../../base/chain.ts";
import type { RequestId } from "../../core/message/jsonrpc.ts";
import { until } from "../../base/waiting.ts";
import type { OnSkipped } from "../../wire/sse_reader.ts";
import { eventSource, isMessage } from "./event_source.ts";
import type { RemoteOptions } from "./remote.ts";
import { RemoteError } from "./remote_error.ts";

interface StandaloneStreamOptions {
  readonly remote: RemoteOptions;
  /** Settles with an event stream, after the event of this id where one was seen. Throws RemoteError for all else. */
  readonly get: (cursor: string | undefined) => Promise<Response>;
  readonly onMessage: (text: string) => Promise<void> | void;
  readonly onSkipped: OnSkipped;
  /** It brought nothing for a while, and why, if it failed; it is asked for again and again. */
  readonly onFruitless: (failure: unknown) => void;
  /** It is not to be had, or not any more. */
  readonly onEnd: (end: StreamEnd) => void;
  readonly signal: AbortSignal;
}

export interface StreamEnd {
  readonly error: unknown;
  /** Whether there was one at all. */
  readonly offered: boolean;
}

/** A request that is to be answered here, and how to tell that it will not be. */
interface Waiting {
  readonly id: RequestId;
  readonly giveUp: () => void;
}

export class StandaloneStreamReader {
  readonly #options: StandaloneStreamOptions;
  readonly #waiting = new Chain<LinkTo<Waiting>>();
  readonly #tried = Promise.withResolvers<void>();
  #state: "unasked" | "kept" | "over" = "unasked";
  #began = false;
  /** A server may refuse the stream before the handshake is over, and is asked once more after it. */
  #again: "no" | "possible" | "waits" = "possible";

  constructor(options: StandaloneStreamOptions) {
    this.#options = options;
  }

  /** Settles when the server has said whether there is one; at once where it was not asked. */
  get tried(): Promise<void> {
    return this.#state === "unasked" ? Promise.resolve() : this.#tried.promise;
  }

  /** The one request that is to be answered here, if there is one. */
  get sole(): RequestId | undefined {
    return this.#waiting.size === 1 ? this.#waiting.first?.value.id : undefined;
  }

  start(): void {
    if (this.#state === "unasked") void this.#keep();
  }

  /** The handshake is over. */
  begin(): void {
    this.#began = true;
    if (this.#again === "waits") this.#askAgain();
    else this.start();
  }

  /** Waits for the signal, which fires when the answer is there. Throws the error where none can come any more. */
  async answer(id: RequestId, signal: AbortSignal, error: Error): Promise<void> {
    if (this.#state !== "kept") throw error;
    const none = Promise.withResolvers<never>();
    const link = linkTo({ id, giveUp: () => none.reject(error) });
    this.#waiting.add(link);
    try {
      await until(signal, none.promise);
    } finally {
      this.#waiting.remove(link);
    }
  }

  async #keep(): Promise<void> {
    const { remote, onMessage, onSkipped, onFruitless, signal } = this.#options;
    const { retry, maxMessageBytes: maxBytes } = remote;
    this.#state = "kept";
    let offered = false;
    const connect = async (cursor: string | undefined) => {
      const response = await this.#get(cursor, offered);
      offered = true;
      return response;
    };
    try {
      const events = eventSource({
        kind: "standalone",
        connect,
        retry,
        maxBytes,
        onSkipped,
        onFruitless,
        signal,
      });
      for await (const event of events) if (isMessage(event)) await onMessage(event.data);
    } catch (error) {
      this.#end({ error, offered });
    }
  }

  async #get(cursor: string | undefined, offered: boolean): Promise<Response> {
    try {
      return await this.#options.get(cursor);
    } catch (error) {
      throw offered ? error : final(error);
    } finally {
      this.#tried.resolve();
    }
  }

  #end(end: StreamEnd): void {
    this.#state = "over";
    const { signal, onEnd } = this.#options;
    if (!signal.aborted && !end.offered && this.#again === "possible" && isEarly(end.error)) {
      this.#again = "waits";
      if (this.#began) return this.#askAgain();
    } else onEnd(end);
    for (const { value } of this.#waiting.all()) value.giveUp();
  }

  #askAgain(): void {
    this.#again = "no";
    void this.#keep();
  }
}

/** Whoever answers with something else than a stream, and calls that a success, has none: a page for whatever is asked. */
function final(error: unknown): unknown {
  if (!(error instanceof RemoteError) || (error.remoteStatus ?? 500) >= 300) return error;
  const { message, remoteStatus } = error;
  return new RemoteError(message, { delivered: true, remoteStatus, permanent: true, cause: error });
}

/** A refusal that another time may change; 405 says that there never is a stream. */
function isEarly(error: unknown): boolean {
  if (!(error instanceof RemoteError)) return false;
  const { remoteStatus: status = 0 } = error;
  return status >= 400 && status < 500 && status !== 405;
}
