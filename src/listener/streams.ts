/** The requests that share one connection of HTTP/2: who holds up one of them takes none of the others along. */
import type { CallerConnection } from "../core/caller.ts";

export class Streams {
  readonly #connection: CallerConnection;
  #open = 0;
  #givenUp = 0;

  constructor(connection: CallerConnection) {
    this.#connection = connection;
  }

  enter(): Stream {
    this.#open++;
    let open = true;
    let reason: string | undefined;
    return {
      address: this.#connection.address,
      drop: (why) => {
        if (!open || reason !== undefined) return;
        reason = why;
        this.#givenUp++;
        this.#endIfIdle(why);
      },
      leave: () => {
        if (!open) return;
        open = false;
        this.#open--;
        if (reason !== undefined) this.#givenUp--;
        this.#endIfIdle("all its streams are held up");
      },
    };
  }

  /** The runtime cannot be told to end a stream on which a write is stuck: the connection ends with the last one. */
  #endIfIdle(reason: string): void {
    if (this.#open > 0 && this.#open === this.#givenUp) this.#connection.drop(reason);
  }
}

/** One request, as those see it who answer it. */
export interface Stream extends CallerConnection {
  /** It is answered. Idempotent. */
  leave(): void;
}
