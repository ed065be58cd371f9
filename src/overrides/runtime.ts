/**
 * What may be done to one server and its sessions while it is served: for an admin API, and whoever else runs the gateway.
 * Nothing here checks who asks.
 */
import { DisconnectedError, RequestError } from "../core/errors.ts";
import type { LiveSession } from "../core/live_sessions.ts";
import type { Session } from "../core/session/session.ts";
import { changed, namesIn, NOTHING, type Override } from "./override.ts";
import type { Overrides } from "./overrides.ts";
import type { ServerKind } from "./parse_override.ts";
import type { When } from "./restarts.ts";
import { reportOf, type SessionReport, type Tellers } from "./session_report.ts";
import { shownOverride } from "./shown_override.ts";
import { type TakenOver, Takeover, type TakeoverOptions } from "./takeover.ts";
import type { Version, Versioned } from "./versioned.ts";

export interface RuntimeOptions extends TakeoverOptions, Tellers {
  /** As the configuration calls it. */
  readonly name: string;
  /** As logs call it. */
  readonly server: string;
  readonly kind: ServerKind;
}

export interface ChangeOptions {
  /** As in the header: the change is refused where this is not the version of now. */
  readonly ifMatch?: string | undefined;
  /** When servers are opened again that have to be; "idle" by default. */
  readonly restart?: When;
}

/** What is set, without secrets. */
export type ShownVersion = Version<Record<string, unknown>>;

/** What a change has come to. */
export interface Applied extends ShownVersion, TakenOver {}

/** A change as it is told to observers. */
interface Told extends ChangeOptions {
  readonly id?: string;
  /** Undefined for one that clears all. */
  readonly change?: Override;
}

export class Runtime {
  /** What can be set of it is what `parseOverride` takes for this kind. */
  readonly kind: ServerKind;
  readonly #options: RuntimeOptions;
  readonly #overrides: Overrides;
  readonly #takeover: Takeover;

  constructor(options: RuntimeOptions) {
    this.kind = options.kind;
    this.#options = options;
    this.#overrides = options.overrides;
    this.#takeover = new Takeover(options);
  }

  // --- for all ---

  defaults(): ShownVersion {
    return shownVersion(this.#overrides.defaults);
  }

  /** Changes what the override names, and leaves the rest. Throws ConflictError. */
  changeDefaults(change: Override, options: ChangeOptions = {}): Applied {
    const value = changed(this.#overrides.defaults.value, change);
    return this.#told(this.#writeDefaults(value, options), { change, ...options });
  }

  /** Everything is as it is configured again. Throws ConflictError. */
  clearDefaults(options: ChangeOptions = {}): Applied {
    return this.#told(this.#writeDefaults(NOTHING, options), options);
  }

  // --- for one session: RequestError 404 where there is none, 409 where it has no server of its own ---

  has(id: string): boolean {
    return this.#find(id) !== undefined;
  }

  session(id: string): ShownVersion {
    this.#require(id);
    return shownVersion(this.#overrides.ofSession(id));
  }

  /** As `changeDefaults`. */
  changeSession(id: string, change: Override, options: ChangeOptions = {}): Applied {
    const value = changed(this.#overrides.ofSession(id).value, change);
    return this.#told(this.#writeSession(id, value, options), { id, change, ...options });
  }

  /** As `clearDefaults`. */
  clearSession(id: string, options: ChangeOptions = {}): Applied {
    return this.#told(this.#writeSession(id, NOTHING, options), { id, ...options });
  }

  /** Its server is opened again, and the session goes on. */
  restartSession(id: string, when: Exclude<When, "never"> = "idle"): void {
    const { session } = this.#require(id);
    this.#takeover.refuseUnsuited(session);
    this.#takeover.restart(session, when);
  }

  endSession(id: string): void {
    this.#require(id).session.end(new DisconnectedError("The session was ended by who runs the gateway"));
  }

  sessions(): SessionReport[] {
    return this.#sessions().map((live) => this.#report(live));
  }

  // ---

  #writeDefaults(value: Override, { ifMatch, restart = "idle" }: ChangeOptions): Applied {
    const { defaults } = this.#overrides;
    const sessions = this.#sessions().map(({ session }) => session);
    const concerned = this.#concerned(sessions, () => defaults.write(value, ifMatch));
    return { ...shownVersion(defaults), ...this.#takeover.byAll(concerned, restart) };
  }

  #writeSession(id: string, value: Override, { ifMatch, restart = "idle" }: ChangeOptions): Applied {
    const { session } = this.#require(id);
    this.#takeover.refuseUnsuited(session);
    const override = this.#overrides.forSession(id);
    const concerned = this.#concerned([session], () => override.write(value, ifMatch));
    return { ...shownVersion(override), ...this.#takeover.by(concerned, restart) };
  }

  /** Those for which other settings hold after it than before, or than their server has. */
  #concerned(sessions: readonly Session[], write: () => void): Session[] {
    const before = sessions.map((session) => this.#takeover.settingsText(session));
    write();
    return sessions.filter((session, index) =>
      before[index] !== this.#takeover.settingsText(session) || this.#takeover.isStale(session)
    );
  }

  #told(applied: Applied, { id: session, change, restart: when = "idle" }: Told): Applied {
    const { server, emit } = this.#options;
    const { live, restart } = applied;
    emit({
      ...{ type: "override.changed", server, ...session !== undefined && { session } },
      changed: change ? namesIn(change).join(", ") : "all cleared",
      ...{ live: live.length, restart: restart.length, when },
    });
    return applied;
  }

  /** Calls that stand alone are none. */
  #sessions(): LiveSession[] {
    return this.#options.sessions.all().filter(({ session }) => session.peer.scope === "session");
  }

  #find(id: string): LiveSession | undefined {
    return this.#sessions().find(({ session }) => session.peer.session === id);
  }

  #require(id: string): LiveSession {
    const found = this.#find(id);
    if (found) return found;
    throw new RequestError("Session not found", { status: 404 });
  }

  #report(live: LiveSession): SessionReport {
    const { name: server } = this.#options;
    const { session } = live;
    const override = shownOverride(this.#overrides.ofSession(session.peer.session).value);
    const label = this.#takeover.labelOf(session);
    return reportOf(live, { server, label, override, tellers: this.#options });
  }
}

function shownVersion(override: Versioned<Override>): ShownVersion {
  const { value, etag } = override.read();
  return { value: shownOverride(value), etag };
}
