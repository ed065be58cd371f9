/** A conversation of a legacy client with a modern server: an ordinary legacy server to whoever has the channel. */
import { quoted } from "../../../base/outside.ts";
import type { Failure, Readable } from "../../../base/readable.ts";
import type { Channel, Envelope } from "../../../core/channel.ts";
import { DisconnectedError, RpcCode } from "../../../core/errors.ts";
import { UNDISCOVERED } from "../../../core/mcp/eras.ts";
import { cancelledId, reportedToken } from "../../../core/mcp/messages.ts";
import { Method } from "../../../core/mcp/methods.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type RequestId,
  resultOf,
} from "../../../core/message/jsonrpc.ts";
import { Calls } from "./calls.ts";
import { ClientProfile, paramsWithMeta } from "./client_profile.ts";
import { ClientQuestions } from "./client_questions.ts";
import { discoveredIn, initializeAnswer, undiscovered } from "./discovery.ts";
import type { ResolvedLegacyClientOptions } from "./options.ts";
import { internal } from "./plain_error.ts";
import { plainNotification } from "./plain_meta.ts";
import type { LossListener } from "./plain_result.ts";
import { Subscriptions } from "./subscriptions.ts";
import { TwoEnds } from "./two_ends.ts";
import { UpstreamRequests } from "./upstream_requests.ts";

export interface LegacyConversationOptions extends ResolvedLegacyClientOptions {
  /** Name the conversation and its server in events. */
  readonly session: string;
  readonly name: string;
  readonly lose: LossListener;
}

export class LegacyConversation implements Channel {
  readonly incoming: Readable<Envelope>;
  readonly #server: Channel;
  readonly #ends: TwoEnds;
  readonly #name: string;
  readonly #profile = new ClientProfile();
  readonly #upstream: UpstreamRequests;
  readonly #questions: ClientQuestions;
  readonly #calls: Calls;
  readonly #subscriptions: Subscriptions;
  readonly #over = new AbortController();

  constructor(server: Channel, options: LegacyConversationOptions) {
    const { emit, lose, maxRounds, listenRetry: retry, name } = options;
    const { signal } = this.#over;
    const ends = this.#ends = new TwoEnds(server, options);
    const upstream = this.#upstream = new UpstreamRequests(ends);
    const profile = this.#profile;
    const questions = this.#questions = new ClientQuestions(ends);
    this.#server = server;
    this.#name = name;
    this.#calls = new Calls({ ends, upstream, questions, profile, maxRounds, lose, emit, signal });
    this.#subscriptions = new Subscriptions({ ...options, ends, upstream, profile, retry, signal });
    this.incoming = ends.incoming;
    server.incoming.read((envelope) => this.#hear(envelope), (failure) => this.#finish(failure));
  }

  send(envelope: Envelope): Promise<void> | void {
    if (this.#over.signal.aborted) throw new DisconnectedError("The MCP server is gone");
    const { message } = envelope;
    if (isRequest(message)) return this.#take(envelope, message);
    if (isResponse(message)) return this.#questions.hear(envelope, message);
    return this.#notice(envelope, message);
  }

  close(reason?: Error): Promise<void> {
    this.#subscriptions.stream.close("its client says no more");
    return this.#server.close(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    this.#subscriptions.stream.stop();
    await this.#server[Symbol.asyncDispose]();
    this.#ends.incoming.end();
  }

  #finish(failure: Failure | undefined): void {
    this.#over.abort();
    this.#subscriptions.stream.stop();
    if (failure) this.#ends.incoming.fail(failure.error);
    else this.#ends.incoming.end();
  }

  // --- what the client says ---

  #take(envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const { id, method, params } = message;
    switch (method) {
      case Method.initialize:
        return this.#initialize(message);
      case Method.ping:
        return this.#ends.toClient({ message: resultOf(id, {}) });
      case Method.setLevel:
        return this.#setLevel(id, params?.level);
      case Method.subscribe:
      case Method.unsubscribe:
        return this.#subscriptions.ask(message);
      case Method.discover:
        return this.#ends.toClient({ message: errorOf(id, UNDISCOVERED) });
      case Method.listen:
        return this.#ends.toClient({ message: errorOf(id, UNLISTENED) });
      default:
        return this.#calls.begin(envelope, message);
    }
  }

  #initialize(message: JsonRpcRequest): Promise<void> | void {
    const { id, params = {} } = message;
    this.#profile.introduce(params);
    const hearAnswer = (said: Envelope, answer: JsonRpcResponse) => this.#discovered(id, said, answer);
    return this.#ends.toServer({
      message: {
        jsonrpc: "2.0",
        id: this.#upstream.enter({ hearAnswer }),
        method: Method.discover,
        params: paramsWithMeta({ ...message, params: { _meta: params._meta } }, this.#profile.quietMeta),
      },
    });
  }

  #discovered(id: RequestId, said: Envelope, answer: JsonRpcResponse): Promise<void> | void {
    const { undelivered } = said;
    if ("error" in answer) return this.#ends.toClient({ message: undiscovered(id, answer), undelivered });
    const capabilities = discoveredIn(answer);
    if (typeof capabilities === "string") return this.#ends.toClient({ message: internal(id, capabilities) });
    this.#subscriptions.offer(capabilities);
    const { revision } = this.#profile;
    return this.#ends.toClient(initializeAnswer(said, answer, { id, revision, name: this.#name }));
  }

  #setLevel(id: RequestId, level: unknown): Promise<void> | void {
    const message = this.#profile.setLevel(level) ? resultOf(id, {}) : errorOf(id, {
      code: RpcCode.invalidParams,
      message: `Invalid params: ${quoted(level)} is no log level`,
    });
    return this.#ends.toClient({ message });
  }

  #notice(envelope: Envelope, message: JsonRpcNotification): Promise<void> | void {
    const { method } = message;
    if (method === Method.initialized) return this.#subscriptions.begin();
    // Who wants to know the roots asks for them when it does.
    if (method === Method.rootsChanged) return;
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) return this.#cancel(envelope, message, cancelled);
    if (method !== Method.progress) return this.#ends.toServer(envelope);
    this.#ends.drop("up", "a server of 2026-07-28 hears of no progress", { harmless: true });
  }

  #cancel(envelope: Envelope, message: JsonRpcNotification, id: RequestId): Promise<void> | void {
    this.#subscriptions.cancel(id);
    return this.#calls.cancel(envelope, message, id);
  }

  // --- what the server says ---

  #hear(envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (isResponse(message)) return this.#upstream.hear(envelope, message);
    if (isRequest(message)) {
      return this.#drop(`a server of 2026-07-28 may not ask by itself: ${quoted(message.method)}`);
    }
    const told = this.#subscriptions.stream.hear(envelope, message);
    return told === false ? this.#hearNotice(envelope, message) : told;
  }

  /** What belongs to no stream of changes has to belong to a call. */
  #hearNotice(envelope: Envelope, message: JsonRpcNotification): Promise<void> | void {
    const { method, params } = message;
    if (method === Method.cancelled) {
      if (!this.#subscriptions.stream.cancelled(params?.requestId)) {
        this.#drop("it cancels no stream of changes");
      }
      return;
    }
    const relatesTo = envelope.relatesTo === undefined
      ? undefined
      : this.#calls.clientIdOf(envelope.relatesTo);
    const stray = this.#strayReason(message, relatesTo);
    if (stray !== undefined) return this.#drop(stray);
    return this.#ends.toClient({ ...plainNotification(envelope, message), relatesTo });
  }

  #strayReason(message: JsonRpcNotification, relatesTo: RequestId | undefined): string | undefined {
    const { method } = message;
    if (OF_STREAMS.has(method)) return `${quoted(method)} names no stream of changes`;
    const token = reportedToken(message);
    if (token !== undefined) {
      return this.#calls.hasToken(token) ? undefined : "nobody waits for this progress";
    }
    return relatesTo === undefined && this.#calls.size === 0
      ? `${quoted(method)} belongs to no call that is open`
      : undefined;
  }

  #drop(reason: string): void {
    this.#ends.drop("down", reason);
  }
}

const UNLISTENED = {
  code: RpcCode.methodNotFound,
  message: '"subscriptions/listen" is not served here: subscribe by resources/subscribe',
};

/** A stream of changes alone may say these, under its own id. */
const OF_STREAMS: ReadonlySet<string> = new Set([
  Method.acknowledged,
  Method.resourceUpdated,
  Method.toolsChanged,
  Method.promptsChanged,
  Method.resourcesChanged,
]);
