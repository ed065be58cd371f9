/** What is set of one server while it is served: for all, and for single sessions. */
import { around } from "../core/around.ts";
import { type Backend, isAsConfigured, type Launch, type LaunchSettings } from "../core/backend.ts";
import type { Channel } from "../core/channel.ts";
import { merge, NOTHING, type Override, settingsText } from "./override.ts";
import { Versioned } from "./versioned.ts";

/** A server that runs, and what it was started or called with. */
interface Opened {
  /** Whose it is, as a launch names it. */
  label: string;
  readonly settings: LaunchSettings;
}

export class Overrides {
  readonly defaults = new Versioned(NOTHING);
  readonly #sessions = new Map<string, Versioned<Override>>();
  /** Of those alone that were not opened as their launch says: mostly there are none. */
  readonly #opened = new Map<string, Opened>();

  /** The override of a session. It is kept from the first write on. */
  ofSession(session: string): Versioned<Override> {
    return this.#sessions.get(session) ?? new Versioned(NOTHING);
  }

  /** As `ofSession`, to be written to. */
  forSession(session: string): Versioned<Override> {
    const known = this.#sessions.get(session);
    if (known) return known;
    const fresh = new Versioned(NOTHING);
    this.#sessions.set(session, fresh);
    return fresh;
  }

  /** A server that was started ahead, for anybody, is none for this session. */
  isOverridden(session: string): boolean {
    return this.#sessions.has(session);
  }

  /** For a session that has ended. */
  forget(session: string): void {
    if (this.#sessions.size > 0) this.#sessions.delete(session);
  }

  /** What holds now for a server with this label; `caller` is what it is opened with where nothing is set. */
  settingsFor(label: string, caller: LaunchSettings): LaunchSettings {
    return merge(this.defaults.value, caller, this.#sessions.get(label)?.value);
  }

  /** Whether the server that runs was opened with other settings than hold now. */
  isStale(label: string, caller: LaunchSettings): boolean {
    const { settings } = this.#opened.get(label) ?? { settings: caller };
    const now = this.settingsFor(label, caller);
    return settings !== now && settingsText(settings) !== settingsText(now);
  }

  /** A server that was started ahead has its session. */
  assigned(ahead: string, session: string): void {
    const opened = this.#opened.get(ahead);
    if (!opened) return;
    this.#opened.delete(ahead);
    opened.label = session;
    this.#opened.set(session, opened);
  }

  /** The same backend, whose servers are opened with what holds then; headers are what holds with each request. */
  around(backend: Backend): Backend {
    return {
      name: backend.name,
      open: async (launch, signal) => {
        const settings = this.settingsFor(launch.session, launch);
        const channel = await backend.open(this.#live(launch, settings), signal);
        return settings === launch ? channel : this.#noted({ label: launch.session, settings }, channel);
      },
      [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
    };
  }

  #live(launch: Launch, { args, env }: LaunchSettings): Launch {
    const headersNow = () => this.settingsFor(launch.session, launch).headers;
    const { headers: _, ...kept } = launch;
    const isOwn = !isAsConfigured(launch) || this.isOverridden(launch.session);
    return {
      ...{ ...kept, args, env, ...isOwn && { own: true } },
      get headers() {
        return headersNow();
      },
    };
  }

  #noted(opened: Opened, channel: Channel): Channel {
    this.#opened.set(opened.label, opened);
    return around(channel, {
      dispose: () => {
        if (this.#opened.get(opened.label) === opened) this.#opened.delete(opened.label);
        return channel[Symbol.asyncDispose]();
      },
    });
  }
}
