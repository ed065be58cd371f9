/** What observers hear of a remote server: what goes wrong with it, and where it does not keep to the protocol. */
import { messageOf } from "../../core/errors.ts";
import type { Direction } from "../../core/events.ts";
import { optionName } from "../../base/option_name.ts";
import type { RemoteOptions } from "./remote.ts";
import { displayUrl, RemoteError } from "./remote_error.ts";
import type { StreamEnd } from "./standalone_stream_reader.ts";

export class RemoteNews {
  readonly #remote: Pick<RemoteOptions, "url" | "emit">;
  readonly #session: string;

  /** `session` is the conversation's name in events. */
  constructor(remote: Pick<RemoteOptions, "url" | "emit">, session: string) {
    this.#remote = remote;
    this.#session = session;
  }

  trouble(reason: string): void {
    const { emit, url } = this.#remote;
    emit({ type: "server.trouble", session: this.#session, server: displayUrl(url), reason });
  }

  /** It is understood all the same. */
  odd(reason: string): void {
    const { emit, url } = this.#remote;
    emit({ type: "server.odd", session: this.#session, server: displayUrl(url), reason });
  }

  /** Nobody gets it. */
  dropped(direction: Direction, reason: string): void {
    this.#remote.emit({ type: "message.dropped", session: this.#session, direction, reason });
  }

  /** Its standalone stream brought nothing for a while: why, if it failed. */
  streamFruitless(failure: unknown): void {
    const soon = `it is asked for again and again, at pauses that grow (${optionName("retryMaxDelay")})`;
    if (failure === undefined) this.odd(`its own event stream ends without a message; ${soon}`);
    else this.trouble(`the server's own stream cannot be had: ${messageOf(failure)}; ${soon}`);
  }

  /** Nothing is told where a server simply offers none. */
  streamEnded(end: StreamEnd): void {
    const { error, offered } = end;
    if (isAbsent(end)) return;
    if (!offered && isSuccess(error)) {
      return this.odd(`what it says by itself cannot be heard: ${messageOf(error)}`);
    }
    this.trouble(`the server's own stream ${offered ? "ended" : "is not to be had"}: ${messageOf(error)}`);
  }
}

/** 405: the server offers no stream of its own (transports page, "Listening for Messages from the Server"); some say 404. */
export function isAbsent({ error, offered }: StreamEnd): boolean {
  return !offered && error instanceof RemoteError &&
    (error.remoteStatus === 405 || error.remoteStatus === 404);
}

function isSuccess(error: unknown): boolean {
  return error instanceof RemoteError && (error.remoteStatus ?? 500) < 300;
}
