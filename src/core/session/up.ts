/** From client to server: what the client says is booked, refused or passed on, and the server opened for it. */
import type { Failure } from "../../base/readable.ts";
import { until, within } from "../../base/waiting.ts";
import { type Envelope, sizeOf } from "../channel.ts";
import { toRpcError } from "../errors.ts";
import { isDiscover, UNDISCOVERED } from "../mcp/eras.ts";
import { cancelledId, isHandshake } from "../mcp/messages.ts";
import {
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type JsonRpcResponse,
} from "../message/jsonrpc.ts";
import type { Bridge } from "./bridge.ts";
import { listenTo } from "./down.ts";
import { FirstMessage, openServer } from "./opening.ts";
import { pass } from "./passage.ts";

export class Up {
  readonly #bridge: Bridge;
  /** The server has not read for as long as a request may take. */
  #stuck = false;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /** Reads the client to its end. */
  listen(): void {
    const { client } = this.#bridge;
    this.#bridge.read(client, (envelope) => this.#hear(envelope), (failure) => this.#over(failure));
  }

  /** Settles when all that the client had said has been looked at, or when the time is over. */
  async caughtUp(withinMs: number): Promise<void> {
    const reading = this.#bridge.client.incoming.idle();
    if (reading) await within(withinMs, reading);
  }

  #over(failure: Failure | undefined): void {
    const bridge = this.#bridge;
    if (failure) return bridge.lose(bridge.client, failure.error);
    // A half-close: the client says no more, and still gets what it asked for.
    void bridge.fromClient.drained().then(() => bridge.finish({ reason: "the client is done" }));
  }

  /** Backpressure: a client that does not read its answers is not read either, until it does. */
  #hear(envelope: Envelope): Promise<void> | void {
    return this.#accept(envelope) ?? this.#bridge.unread;
  }

  #accept(envelope: Envelope): Promise<void> | void {
    const bridge = this.#bridge;
    if (bridge.over) return this.#refuseLate(envelope.message);
    bridge.meet(envelope.message);
    if (this.#stuck) return this.#refuseUnread(envelope.message);
    if (!this.#enter(envelope.message)) return;
    if (!bridge.server) return this.#openAndPass(envelope);
    const passed = pass(bridge, "up", envelope);
    if (passed) return this.#untilRead(passed);
  }

  // --- what becomes of it ---

  /** Books a message of the client; false when it is not to be passed on. */
  #enter(message: JsonRpcMessage): boolean {
    if (isRequest(message)) return this.#enterRequest(message);
    if (isResponse(message)) return this.#enterAnswer(message);
    // A cancelled request needs no answer any more, and must not attract later messages.
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) this.#bridge.fromClient.take(cancelled, "cancelled");
    return true;
  }

  #enterRequest(message: JsonRpcRequest): boolean {
    const { client, server, fromClient, options } = this.#bridge;
    if (isDiscover(message) && this.#bridge.era === "legacy") {
      this.#bridge.answer(client, message.id, UNDISCOVERED);
      return false;
    }
    // Whoever has no server yet is not given one either, which ends the session.
    const refusal = (server && options.refusal?.()) ?? fromClient.refusal(message);
    if (refusal) {
      this.#bridge.answer(client, message.id, toRpcError(refusal));
      return false;
    }
    fromClient.add(message);
    if (isHandshake(message)) this.#bridge.introduce(message);
    return true;
  }

  #enterAnswer({ id }: JsonRpcResponse): boolean {
    const asked = this.#bridge.fromServer.get(id) !== undefined;
    if (!asked) this.#bridge.drop("up", "it answers no request of the server");
    return asked;
  }

  #refuseUnread(message: JsonRpcMessage): void {
    const { client, options: { deadlines } } = this.#bridge;
    if (isRequest(message)) {
      return this.#bridge.answer(client, message.id, toRpcError(deadlines?.unread()));
    }
    this.#enter(message);
    this.#bridge.drop("up", "the server does not read");
  }

  #refuseLate(message: JsonRpcMessage): void {
    const { client, endError } = this.#bridge;
    if (isRequest(message) && endError) {
      this.#bridge.answer(client, message.id, toRpcError(endError));
    }
  }

  // --- its server ---

  /** No async function: it would keep the message for as long as the server takes to read it. */
  #openAndPass(envelope: Envelope): Promise<void> {
    const size = sizeOf(envelope);
    const bridge = this.#bridge;
    const { backlog } = bridge.admitted;
    const waiting = new FirstMessage(envelope, size);
    backlog.add(size);
    return openServer(bridge).then((server) => {
      const envelope = waiting.release();
      backlog.remove(size);
      bridge.server = server;
      if (!server) return;
      listenTo(bridge, server);
      const passed = pass(bridge, "up", envelope);
      if (passed) return this.#untilRead(passed);
    });
  }

  /**
   * A server that does not read must not hide that its client is gone, for what it said can reach nobody then; nor
   * that time passes: who waits behind that message is answered then.
   */
  async #untilRead(passed: Promise<void>): Promise<void> {
    const bridge = this.#bridge;
    const { peer: { gone }, client, options: { deadlines } } = bridge;
    const delivered = gone ? until(gone.signal, passed) : passed;
    const patienceMs = deadlines?.requestTimeoutMs;
    if (patienceMs === undefined) return await delivered;
    this.#stuck = !await within(patienceMs, delivered);
    if (this.#stuck) delivered.then(() => this.#stuck = false, (error) => bridge.lose(client, error));
  }
}
