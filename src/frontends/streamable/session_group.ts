/** What the sessions of one route share: one timer for each kind of waiting, whatever their number. */
import type { BufferLimits } from "../../core/channel.ts";
import type { EventStore } from "../../core/event_store.ts";
import type { Sink } from "../../core/events.ts";
import { TimeLimit } from "../../base/time_limit.ts";
import type { Accounts } from "../../core/unread.ts";
import { type ExchangeSettings, type ReplyMode, silenceLimit } from "./exchange.ts";

/** The limits are those of what waits for a stream to open, and of what waits for the server. */
export interface SessionSettings extends BufferLimits {
  readonly replyMode: ReplyMode;
  readonly keepAliveMs: number;
  readonly unread: Accounts;
  /** Whether somebody waits for a server, and may be refused. */
  readonly crowded?: (() => boolean) | undefined;
  /** How long a session may be without a message; an open call whose client still waits counts as one. */
  readonly sessionTimeoutMs: number;
  /** Where events are kept for clients that come back; without it no stream can be resumed. */
  readonly events?: EventStore | undefined;
  readonly emit: Sink;
}

/** A session as its group knows it. */
export interface GroupedSession {
  readonly id: string;
  /** Called when its idle time is over. */
  checkIdle(): void;
}

export class SessionGroup {
  readonly settings: SessionSettings & ExchangeSettings;
  readonly idle: TimeLimit<GroupedSession>;
  /** Called as soon as a session can no longer be found by its id, and again when its requests are answered. */
  readonly onEnd: (session: GroupedSession) => void;

  constructor(settings: SessionSettings, onEnd: (session: GroupedSession) => void) {
    this.settings = { ...settings, silence: silenceLimit() };
    this.idle = new TimeLimit(settings.sessionTimeoutMs, (session) => session.checkIdle());
    this.onEnd = onEnd;
  }

  /** For when there is no session left. */
  rest(): void {
    this.settings.silence.rest();
    this.idle.rest();
  }
}
