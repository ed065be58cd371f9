/**
 * The Session joins two channels. It owns the tables of open requests, so each request gets exactly one
 * answer, and it says which client request a message of the server belongs to (rule 4 in docs/architecture.md).
 */
import { Attention } from "../base/attention.ts";
import type { Guest, Peer } from "./backend.ts";
import { asText, type Channel, type Envelope, free, isLarge, sizeOf, undeliveredBy } from "./channel.ts";
import type { Deadlines } from "./deadlines.ts";
import {
  BackendError,
  BusyError,
  DisconnectedError,
  GatewayError,
  type TimeoutError,
  toRpcError,
} from "./errors.ts";
import { isDiscover, UNDISCOVERED } from "./mcp/eras.ts";
import type { Direction, Sink } from "./events.ts";
import {
  cancelledId,
  errorOf,
  isNotification,
  isRequest,
  isResponse,
  type JsonRpcErrorObject,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type ProgressToken,
  reportedToken,
  type RequestId,
} from "./message/jsonrpc.ts";
import { type OpenCall, type OpenRequest, OpenTable, unansweredBy } from "./open_table.ts";
import type { MessagePolicy } from "./policy.ts";
import { type Failure, type Over, read, type Take } from "../base/queue.ts";
import { until, within } from "../base/waiting.ts";

let sessionOver: BackendError | undefined;

/**
 * One for all: an error that is made for each session costs as much as a few requests, and mostly nobody reads it. Not
 * at import time: for its first error the runtime goes through the whole program, which takes a third of a start.
 */
function sessionOverError(): BackendError {
  return sessionOver ??= new BackendError("The session ended before the server answered");
}

/** How long the end waits for a message that is still being passed on. */
const REFUSE_WAITING_MS = 1_000;

/** From then on a large message that waits for its server to open is kept as text. */
const LONG_MS = 100;

/** One object for all sessions of a gateway, since an idle session should cost little. */
export interface SessionOptions {
  readonly emit: Sink;
  /** Called at the first message, not before: a client that says nothing costs no server. */
  readonly openServer: (guest: Guest, signal: AbortSignal) => Promise<Channel>;
  /** None by default. */
  readonly policy?: MessagePolicy | undefined;
  /** Why no new request of the client may begin, or undefined; always one may by default. */
  readonly refusal?: (() => GatewayError | undefined) | undefined;
  /** How many requests of one direction may wait for their answer. */
  readonly maxOpenRequests: number;
  /** Of the id, the progress token and the method of a request. */
  readonly maxIdChars: number;
  /** Called as soon as it has ended; it may still be freeing what it held. */
  readonly onEnded?: ((peer: Peer) => void) | undefined;
  /** When a request of the client is cancelled and answered; never by default. Whoever made them disposes them. */
  readonly deadlines?: Deadlines | undefined;
}

/** Why a session ended; `error` is what the open requests were answered with. */
interface SessionEnd {
  readonly reason: string;
  readonly error?: GatewayError;
}

export class Session {
  readonly peer: Peer;
  readonly #guest: Guest;
  readonly #client: Channel;
  readonly #options: SessionOptions;
  readonly #emit: Sink;
  readonly #fromClient: OpenTable;
  readonly #fromServer: OpenTable;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly #abort = new AbortController();
  #over = false;
  #endError: GatewayError | undefined;
  readonly #attention = new Attention();
  /** The server has not read for as long as a request may take. */
  #stuck = false;
  #server: Channel | undefined;
  /** Settles when the client has read what it was answered here. */
  #unread: Promise<void> | undefined;
  /** How many channels are read, and who waits until none is. */
  #readers = 0;
  #readersGone: PromiseWithResolvers<void> | undefined;

  constructor(client: Channel, guest: Guest, options: SessionOptions) {
    const { emit, maxOpenRequests, maxIdChars, deadlines } = options;
    const { peer, peer: { session } } = guest;
    this.#client = client;
    this.#options = options;
    this.#emit = emit;
    this.peer = peer;
    this.#guest = guest;
    this.#fromClient = new OpenTable({
      session,
      direction: "up",
      emit,
      maxOpenRequests,
      maxIdChars,
      deadlines,
      onExpired: (entry, error) => this.#expire(entry, error),
    });
    this.#fromServer = new OpenTable({ session, direction: "down", emit, maxOpenRequests, maxIdChars });
  }

  /** It has ended, and may still be freeing what it held. */
  get over(): boolean {
    return this.#over;
  }

  /** Requests of the client that wait for an answer. */
  get openRequests(): number {
    return this.#fromClient.size;
  }

  /** What they are, oldest first. */
  get openCalls(): OpenCall[] {
    return this.#fromClient.calls();
  }

  /** Tells once of each that has been open for so long. */
  tellSlow(ms: number): void {
    if (this.openRequests > 0) this.#fromClient.tellSlow(ms);
  }

  /** Settles when no request of the client is open. */
  drained(): Promise<void> {
    return this.#fromClient.drained();
  }

  /** Ends the session: open requests are answered with the error, then both channels are freed. */
  end(error: GatewayError): void {
    this.#finish({ reason: "ended by the gateway", error });
  }

  /** Runs until either side is done; settles when both channels are disposed. Never rejects. */
  run(): Promise<void> {
    const { session, wire, scope } = this.peer;
    this.#emit({ type: "session.opened", session, wire, scope });
    this.#read(this.#client, (envelope) => this.#hear(envelope), (failure) => this.#clientOver(failure));
    return this.#ended.promise.then((end) => this.#close(end));
  }

  /** Reads a channel, and knows until when. */
  #read(channel: Channel, take: Take<Envelope>, over: Over): void {
    this.#readers++;
    read(channel.incoming, take, (failure) => {
      over(failure);
      if (--this.#readers === 0) this.#readersGone?.resolve();
    });
  }

  async #close({ reason, error }: SessionEnd): Promise<void> {
    const { session, scope } = this.peer;
    this.#answerOpen(error ?? sessionOverError());
    const fault = (error: unknown) => this.#emit({ type: "fault", where: "end of session", error });
    const serverFreed = this.#server && free(this.#server, { reason: error, fault });
    // What the client had sent already is read to its end: the loop answers it. Takes no longer than that, since an
    // ended session must not be found by its client any more.
    if (error) await this.#attention.caughtUp(REFUSE_WAITING_MS);
    await free(this.#client, { reason: error, fault });
    await serverFreed;
    if (this.#readers > 0) await (this.#readersGone = Promise.withResolvers<void>()).promise;
    this.#emit({ type: "session.closed", session, scope, reason, ...(error && { error }) });
  }

  #finish(end: SessionEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#endError = end.error;
    this.#abort.abort(end.error ?? sessionOverError());
    this.#options.onEnded?.(this.peer);
    this.#ended.resolve(end);
  }

  /** Does not wait for a stalled client: a message counts as handed over when `send` returns. */
  #answerOpen(error: GatewayError): void {
    // As mostly: a stateless call is over with its answer.
    if (this.openRequests === 0) return;
    // Who found no room may come again: HTTP has a status for it.
    const undelivered = error instanceof BusyError ? undeliveredBy(error) : undefined;
    for (const { id } of this.#fromClient.takeAll(toRpcError(error).message)) {
      const message = errorOf(id, toRpcError(error));
      this.#say(this.#client, { message, relatesTo: id, undelivered });
    }
  }

  // --- up: client to server ---

  #clientOver(failure: Failure | undefined): void {
    if (failure) return this.#lose(this.#client, failure.error);
    // A half-close: the client says no more, and still gets what it asked for.
    void this.drained().then(() => this.#finish({ reason: "the client is done" }));
  }

  /** Who does not read what it is answered is not listened to either, until it does. */
  #hear(envelope: Envelope): Promise<void> | void {
    const passed = this.#passUp(envelope);
    return passed ?? (this.#unread && this.#attention.whileDeaf(this.#unread));
  }

  #passUp(envelope: Envelope): Promise<void> | void {
    this.#attention.hear();
    if (this.#over) return this.#refuseLate(envelope.message);
    if (this.#stuck) return this.#refuseUnread(envelope.message);
    if (!this.#enter(envelope.message)) return;
    if (!this.#server) return this.#attention.whileDeaf(this.#openAndPass(envelope));
    const passed = this.#guarded("up", envelope, this.#server);
    if (passed) return this.#attention.whileDeaf(this.#untilRead(passed));
  }

  /** No async function: it would keep the message for as long as the server takes to read it. */
  #openAndPass(envelope: Envelope): Promise<void> {
    const size = sizeOf(envelope);
    const { backlog } = this.#guest;
    const waiting = new Waiting(envelope, size);
    backlog.add(size);
    return this.#open().then((server) => {
      const envelope = waiting.take();
      backlog.remove(size);
      this.#server = server;
      if (!server) return;
      this.#listenTo(server);
      const passed = this.#guarded("up", envelope, server);
      if (passed) return this.#untilRead(passed);
    });
  }

  /** By itself, so that what is called for as long as the session lives keeps no message alive. */
  #listenTo(server: Channel): void {
    this.#read(server, (down) => this.#passDown(server, down), (failure) => this.#serverOver(failure));
  }

  /**
   * A server that does not read must not hide that its client is gone, for what it said can reach nobody then; nor
   * that time passes: who waits behind that message is answered then.
   */
  async #untilRead(passed: Promise<void>): Promise<void> {
    const { gone } = this.peer;
    const taken = gone ? until(gone.signal, passed) : passed;
    const patienceMs = this.#options.deadlines?.requestTimeoutMs;
    if (patienceMs === undefined) return await taken;
    this.#stuck = !await within(patienceMs, taken);
    if (this.#stuck) taken.then(() => this.#stuck = false, (error) => this.#lose(this.#client, error));
  }

  #refuseUnread(message: JsonRpcMessage): void {
    const unread = this.#options.deadlines?.unread();
    if (isRequest(message)) return this.#answer(this.#client, message.id, toRpcError(unread));
    this.#enter(message);
    this.#drop("up", "the server does not read");
  }

  #refuseLate(message: JsonRpcMessage): void {
    if (isRequest(message) && this.#endError) {
      this.#answer(this.#client, message.id, toRpcError(this.#endError));
    }
  }

  async #open(): Promise<Channel | undefined> {
    try {
      const server = await this.#options.openServer(this.#guest, this.#abort.signal);
      if (!this.#over) return server;
      await server[Symbol.asyncDispose]();
    } catch (error) {
      this.#finish({
        reason: "the server could not be started",
        error: asGatewayError(error, "The MCP server"),
      });
    }
    return undefined;
  }

  /** Books a message of the client; false when it is not to be passed on. */
  #enter(message: JsonRpcMessage): boolean {
    if (isRequest(message)) return this.#enterRequest(message);
    if (isResponse(message)) {
      const asked = this.#fromServer.get(message.id) !== undefined;
      if (!asked) this.#drop("up", "it answers no request of the server");
      return asked;
    }
    // A cancelled request needs no answer any more, and must not attract later messages.
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) this.#fromClient.take(cancelled, "cancelled");
    return true;
  }

  #enterRequest(message: JsonRpcRequest): boolean {
    if (isDiscover(message)) {
      this.#answer(this.#client, message.id, UNDISCOVERED);
      return false;
    }
    // Whoever has no server yet is not given one either, which ends the session.
    const refusal = (this.#server && this.#options.refusal?.()) ?? this.#fromClient.refusal(message);
    if (!refusal) this.#fromClient.add(message);
    else this.#answer(this.#client, message.id, toRpcError(refusal));
    return !refusal;
  }

  #expire({ id, method }: OpenRequest, error: TimeoutError): void {
    this.#fromClient.take(id, "timeout", { reason: error.message });
    this.#answer(this.#client, id, toRpcError(error));
    // "initialize" must never be cancelled (MCP lifecycle page, all revisions that have it).
    if (method === "initialize" || !this.#server) return;
    const params = { requestId: id, reason: error.message };
    this.#say(this.#server, { message: { jsonrpc: "2.0", method: "notifications/cancelled", params } });
  }

  // --- down: server to client ---

  #serverOver(failure: Failure | undefined): void {
    if (this.#over) return;
    const reason = failure ? "the server broke off" : "the server is done";
    const error = failure
      ? asGatewayError(failure.error, "The MCP server")
      : new BackendError("The MCP server closed the connection");
    this.#finish({ reason, error });
  }

  #passDown(server: Channel, envelope: Envelope): Promise<void> | void {
    const { message } = envelope;
    if (isResponse(message)) {
      const entry = this.#fromClient.get(message.id);
      if (!entry) return this.#drop("down", unansweredBy(message, this.#fromClient.size));
      envelope.relatesTo = entry.id;
    } else if (isRequest(message)) {
      const refusal = this.#fromServer.refusal(message);
      if (refusal) return server.send({ message: errorOf(message.id, toRpcError(refusal)) });
      envelope.relatesTo = this.#callOf(envelope);
      this.#fromServer.add(message, envelope.relatesTo);
    } else {
      envelope.relatesTo = this.#relationOf(envelope, message);
    }
    return this.#guarded("down", envelope, this.#client);
  }

  #relationOf(envelope: Envelope, message: JsonRpcNotification): RequestId | undefined {
    const token = reportedToken(message);
    if (token !== undefined) return this.#ownerOf(token)?.id;
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) return this.#fromServer.take(cancelled, "cancelled")?.relatesTo;
    return this.#callOf(envelope);
  }

  /** As the server's side knows it, or the sole one that it can be; what belongs to a call that is over has none. */
  #callOf({ relatesTo }: Envelope): RequestId | undefined {
    const call = relatesTo === undefined ? this.#fromClient.sole() : this.#fromClient.get(relatesTo);
    return call?.id;
  }

  #ownerOf(token: ProgressToken): OpenRequest | undefined {
    const owner = this.#fromClient.ownerOf(token);
    if (owner) this.#fromClient.renew(owner);
    return owner;
  }

  // --- both ways ---

  /** Sends through the policies; a refusal goes back to the sender, a dead wire ends the session. */
  #guarded(direction: Direction, envelope: Envelope, target: Channel): Promise<void> | void {
    const { policy } = this.#options;
    try {
      const passed = policy
        ? policy({ peer: this.peer, direction, envelope }, () => this.#handOver(direction, envelope, target))
        : this.#handOver(direction, envelope, target);
      if (passed) return this.#watched(direction, briefOf(envelope.message), passed);
    } catch (error) {
      this.#refused(direction, briefOf(envelope.message), error);
    }
  }

  /** Keeps nothing of the message: it may be large, and the far side slow. */
  #watched(direction: Direction, brief: Brief, passed: Promise<void>): Promise<void> {
    return passed.catch((error) => this.#refused(direction, brief, error));
  }

  /** A request stays open until its answer is handed over: while the policies think, time or the end may answer it. */
  #handOver(direction: Direction, envelope: Envelope, target: Channel): Promise<void> | void {
    const { message } = envelope;
    if (isNotification(message)) return target.send(envelope);
    const { table } = this.#askedBy(direction, isRequest(message) ? "request" : "response");
    if (!table.get(message.id)) return this.#drop(direction, "its request was answered meanwhile");
    const sent = target.send(envelope);
    if (isResponse(message)) table.settle(message);
    return sent;
  }

  #refused(direction: Direction, { kind, id }: Brief, error: unknown): void {
    if (error instanceof DisconnectedError) {
      return this.#lose(direction === "up" ? this.#server : this.#client, error);
    }
    if (!(error instanceof GatewayError)) this.#emit({ type: "fault", where: "passing of a message", error });
    const answer = toRpcError(error);
    if (kind === "notification") return this.#drop(direction, answer.message);
    // Of a refused answer, too, the asker hears: it still waits.
    const { table, asker } = this.#askedBy(direction, kind);
    if (id !== null && table.take(id, "failed", { reason: answer.message })) this.#answer(asker, id, answer);
  }

  /** Who asked: the sender of a request, the receiver of a response. */
  #askedBy(direction: Direction, kind: "request" | "response") {
    return (kind === "request") === (direction === "up")
      ? { table: this.#fromClient, asker: this.#client }
      : { table: this.#fromServer, asker: this.#server };
  }

  #answer(receiver: Channel | undefined, id: RequestId, error: JsonRpcErrorObject): void {
    if (receiver) this.#say(receiver, { message: errorOf(id, error), relatesTo: id });
  }

  /** Sends something of our own; a far end that is gone ends the session. */
  #say(channel: Channel, envelope: Envelope): void {
    const failed = (error: unknown) => this.#lose(channel, error);
    try {
      const room = channel.send(envelope);
      if (!room) return;
      if (channel === this.#client) this.#unread = room;
      room.then(() => {
        if (this.#unread === room) this.#unread = undefined;
      }).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #lose(channel: Channel | undefined, error: unknown): void {
    const client = channel === this.#client;
    this.#finish({
      reason: client ? "the client's side is over" : "the server is gone",
      error: asGatewayError(error, client ? "The client" : "The MCP server"),
    });
  }

  #drop(direction: Direction, reason: string): void {
    this.#emit({ type: "message.dropped", session: this.peer.session, direction, reason });
  }
}

/** The first message of a session, until its server is open: mostly at once. */
class Waiting {
  #envelope: Envelope;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(envelope: Envelope, size: number) {
    this.#envelope = envelope;
    if (isLarge(size)) this.#timer = setTimeout(() => this.#envelope = asText(envelope), LONG_MS);
  }

  take(): Envelope {
    clearTimeout(this.#timer);
    return this.#envelope;
  }
}

/** What a refusal needs to know of a message. */
interface Brief {
  readonly kind: "notification" | "request" | "response";
  readonly id: RequestId | null;
}

function briefOf(message: JsonRpcMessage): Brief {
  if (isNotification(message)) return { kind: "notification", id: null };
  return { kind: isRequest(message) ? "request" : "response", id: message.id };
}

function asGatewayError(error: unknown, who: string): GatewayError {
  return error instanceof GatewayError ? error : new BackendError(`${who} failed`, { cause: error });
}
