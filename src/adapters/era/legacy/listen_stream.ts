/**
 * What a legacy client hears of changes, by one `subscriptions/listen` at a time (2026-07-28, subscriptions page). What is
 * wanted cannot be added to a stream: another one is opened, and the one before closed once that is acknowledged. A change
 * is told by the one that was acknowledged last, so twice only where two streams overtake each other.
 */
import { durationText } from "../../../base/duration.ts";
import { pause, pauseBefore, type Retry } from "../../../base/retry.ts";
import { excerpt } from "../../../base/telling.ts";
import type { Envelope } from "../../../core/channel.ts";
import { background, type Sink } from "../../../core/events.ts";
import { cancellation } from "../../../core/mcp/messages.ts";
import { Method } from "../../../core/mcp/methods.ts";
import { MetaKey, metaOf } from "../../../core/mcp/request_meta.ts";
import type {
  JsonRpcNotification,
  JsonRpcRequest,
  JsonRpcResponse,
  Params,
} from "../../../core/message/jsonrpc.ts";
import { filterOf, Honored } from "./change_filter.ts";
import type { ClientProfile } from "./client_profile.ts";
import { plainNotification } from "./plain_meta.ts";
import type { TwoEnds } from "./two_ends.ts";
import type { Asker, UpstreamRequests } from "./upstream_requests.ts";

export interface ListenOptions {
  readonly ends: TwoEnds;
  readonly upstream: UpstreamRequests;
  readonly profile: ClientProfile;
  readonly retry: Retry;
  /** How long a server may take to acknowledge a stream. */
  readonly acknowledgeMs: number;
  readonly emit: Sink;
  /** Fires at the end of the conversation. */
  readonly signal: AbortSignal;
}

/** Hears what became of what was wanted: what the server has agreed to, or why there is no such stream. */
export type Settle = (honored: Honored | undefined, why: string) => void;

const REASON_CHARS = 500;

/** One request to the server. */
class Stream implements Asker {
  readonly #owner: ListenStream;
  /** Who waits for its acknowledgement. */
  readonly settles: readonly Settle[];
  readonly lists: readonly string[];
  id = 0;
  honored: Honored | undefined;
  since = 0;
  told = false;
  late: ReturnType<typeof setTimeout> | undefined;

  constructor(owner: ListenStream, lists: readonly string[], settles: readonly Settle[]) {
    this.#owner = owner;
    this.lists = lists;
    this.settles = settles;
  }

  hearAnswer(_: Envelope, message: JsonRpcResponse): void {
    const why = "error" in message
      ? excerpt(String(message.error.message), REASON_CHARS)
      : "the server ended it";
    this.#owner.ended(this, why);
  }
}

export class ListenStream {
  readonly #options: ListenOptions;
  /** Changed by whoever knows what is wanted, who calls `renew` then. */
  readonly uris = new Set<string>();
  lists: readonly string[] = [];
  /** The one that was acknowledged last. */
  #current: Stream | undefined;
  /** The one that is to take its place. */
  #next: Stream | undefined;
  /** Who wants more than `#next` has. */
  #waiting: Settle[] = [];
  /** Ends of streams in a row that had nothing to tell. */
  #failures = 0;
  #renewed = 0;

  constructor(options: ListenOptions) {
    this.#options = options;
  }

  /** Whether an acknowledgement is awaited. */
  get opening(): boolean {
    return this.#next !== undefined;
  }

  /** Asks for what is wanted now. `settle` is called once there is an answer, or a stream that needs none. */
  renew(settle?: Settle): void {
    if (settle) this.#waiting.push(settle);
    this.#renewed++;
    if (!this.#next) this.#open();
  }

  /** Ends what is listened to; whoever waits for a stream is told why there will be none. */
  close(why: string): void {
    const [current, next, waiting] = [this.#current, this.#next, this.#waiting];
    this.#current = this.#next = undefined;
    this.#waiting = [];
    for (const stream of [current, next]) if (stream) this.#cancel(stream, why);
    for (const settle of [...next?.settles ?? [], ...waiting]) settle(undefined, why);
  }

  /** The server is gone. */
  stop(): void {
    clearTimeout(this.#next?.late);
  }

  // --- what the server says ---

  /** False where the notification belongs to no stream. */
  hear(envelope: Envelope, message: JsonRpcNotification): Promise<void> | void | false {
    const meta = metaOf(message);
    if (!meta || !Object.hasOwn(meta, MetaKey.subscription)) return false;
    const { [MetaKey.subscription]: id } = meta;
    if (message.method === Method.acknowledged) return this.#acknowledge(id, message.params);
    if (!names(id, this.#current)) return this.#drop();
    const stream = this.#current;
    if (stream) stream.told = true;
    return this.#options.ends.toClient(plainNotification(envelope, message));
  }

  /** The server takes a stream back. False where the id is of none. */
  cancelled(id: unknown): boolean {
    const stream = [this.#current, this.#next].find((one) => names(id, one));
    if (!stream) return false;
    this.#options.upstream.forget(stream.id);
    this.ended(stream, "the server ended it");
    return true;
  }

  ended(stream: Stream, why: string): void {
    if (stream === this.#next) return this.#refused(stream, why);
    if (stream !== this.#current) return;
    this.#current = undefined;
    // The next one is asked for already; a stream that has nothing to tell may end at once.
    if (!this.#next && !stream.honored?.isEmpty) this.#openAgain(stream, why);
  }

  #acknowledge(id: unknown, params: Params | undefined): void {
    const stream = this.#next;
    if (!stream || !names(id, stream)) return this.#drop();
    stream.honored = new Honored(params?.notifications);
    stream.since = performance.now();
    const last = this.#current;
    this.#current = stream;
    this.#next = undefined;
    clearTimeout(stream.late);
    if (last) this.#cancel(last, "another stream has taken its place");
    const missing = stream.honored.withoutLists(stream.lists);
    if (missing.length > 0) {
      this.#options.ends.odd(`it offers ${missing.join(", ")}, and does not tell of it`);
    }
    for (const settle of stream.settles) settle(stream.honored, "");
    if (this.#waiting.length > 0) this.#open();
  }

  // --- opening and closing ---

  #open(): void {
    const { ends, upstream, profile } = this.#options;
    const notifications = filterOf(this.lists, this.uris);
    const settles = this.#waiting;
    this.#waiting = [];
    if (!notifications) {
      this.close("nothing is to be told any more");
      for (const settle of settles) settle(new Honored({}), "");
      return;
    }
    const stream = this.#next = new Stream(this, this.lists, settles);
    stream.id = upstream.enter(stream);
    const message: JsonRpcRequest = {
      jsonrpc: "2.0",
      id: stream.id,
      method: Method.listen,
      params: { _meta: profile.quietMeta, notifications },
    };
    ends.tellServer({ message });
    stream.late = setTimeout(() => this.#giveUp(stream), this.#options.acknowledgeMs);
  }

  #giveUp(stream: Stream): void {
    const why = `it was not acknowledged within ${durationText(this.#options.acknowledgeMs)}`;
    this.#cancel(stream, why);
    this.ended(stream, why);
  }

  /** The one before goes on; who wanted more is told. */
  #refused(stream: Stream, why: string): void {
    this.#next = undefined;
    clearTimeout(stream.late);
    for (const settle of stream.settles) settle(undefined, why);
    if (this.#waiting.length > 0) this.#open();
    else if (!this.#current) this.#openAgain(stream, why);
  }

  #openAgain(stream: Stream, why: string): void {
    if (!filterOf(this.lists, this.uris)) return;
    const { ends, retry, emit, signal } = this.#options;
    const lasted = stream.honored && performance.now() - stream.since > retry.maxDelayMs;
    if (stream.told || lasted) this.#failures = 0;
    const reason = `its stream of changes has ended: ${why}`;
    if (++this.#failures > retry.attempts) {
      return ends.trouble(`${reason}; after ${retry.attempts} tries it is not asked for again`);
    }
    const pauseMs = pauseBefore(this.#failures, retry);
    ends.trouble(reason, pauseMs);
    background(this.#openLater(pauseMs, signal), "listening again", emit);
  }

  async #openLater(pauseMs: number, signal: AbortSignal): Promise<void> {
    const renewed = this.#renewed;
    try {
      await pause(pauseMs, signal);
    } catch {
      return; // The conversation is over.
    }
    // Somebody else may have asked for one meanwhile.
    if (renewed === this.#renewed && !this.#next && !this.#current) this.#open();
  }

  #cancel(stream: Stream, why: string): void {
    const { ends, upstream } = this.#options;
    clearTimeout(stream.late);
    if (upstream.forget(stream.id)) ends.tellServer({ message: cancellation(stream.id, why) });
  }

  /** A stream that was closed may have had something to say. */
  #drop(): void {
    this.#options.ends.drop("down", "it belongs to no stream of changes that is open", { harmless: true });
  }
}

/** Also where the server has made a string of it. */
function names(id: unknown, stream: Stream | undefined): boolean {
  return stream !== undefined && (id === stream.id || id === `${stream.id}`);
}
