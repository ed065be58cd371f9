/** When a server is opened again for what was set meanwhile. */
import { GatewayError } from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import type { Session } from "../core/session/session.ts";

/** "idle": as soon as no request is open; "now": open requests are lost; "never": when it is opened the next time anyway. */
export const WHEN = ["idle", "now", "never"] as const;
export type When = typeof WHEN[number];

export function isWhen(text: string): text is When {
  return WHEN.some((when) => when === text);
}

/** A server that can be opened again while its conversations go on. */
export interface Restartable {
  /** A session, or a server that is shared. */
  readonly label: string;
  /** Those that speak to it at the moment, calls that stand alone included. */
  readonly clients: () => readonly Session[];
  /** Undefined where there is nothing to be opened again. */
  readonly restart: () => Promise<void> | undefined;
}

export class Restarts {
  readonly #emit: Sink;
  /** What waits until no request is open, by label. */
  readonly #waiting = new Map<string, symbol>();

  constructor(emit: Sink) {
    this.#emit = emit;
  }

  begin(server: Restartable, when: When): void {
    if (when === "now") this.#restart(server);
    if (when === "idle" && !this.#waiting.has(server.label)) {
      background(this.#whenIdle(server), "restart of a server", this.#emit);
    }
  }

  /** A restart in between is enough. */
  async #whenIdle(server: Restartable): Promise<void> {
    const ticket = Symbol();
    this.#waiting.set(server.label, ticket);
    while (this.#waiting.get(server.label) === ticket) {
      const busy = server.clients().filter(({ openRequests }) => openRequests > 0);
      // Without a wait in between: no request comes before it.
      if (busy.length === 0) return this.#restart(server);
      await Promise.all(busy.map((session) => session.drained()));
    }
  }

  /** Why it fails is told by whoever opens servers, and to who asks for it next. */
  #restart({ label, restart }: Restartable): void {
    this.#waiting.delete(label);
    restart()?.catch((error) => {
      if (!(error instanceof GatewayError)) {
        this.#emit({ type: "fault", where: "restart of a server", error });
      }
    });
  }
}
