/**
 * The Session joins two channels. It owns the tables of open requests, so each request gets exactly one answer, and it
 * says which client request a message of the server belongs to. The two directions are in `up.ts` and `down.ts`.
 */
import type { AdmittedClient, Peer } from "../backend.ts";
import { type Channel, free, undeliveredBy } from "../channel.ts";
import { BusyError, type GatewayError, StoppingError, toRpcError } from "../errors.ts";
import { endOfLasting } from "../mcp/messages.ts";
import type { Negotiated } from "../mcp/negotiated.ts";
import { errorOf } from "../message/jsonrpc.ts";
import { Bridge, type SessionEnd, sessionOver } from "./bridge.ts";
import type { OpenCall } from "./open_request.ts";
import type { SessionOptions } from "./session_options.ts";
import { Up } from "./up.ts";

/** How long the end waits for a message that is still being passed on. */
const REFUSE_WAITING_MS = 1_000;

export class Session {
  readonly #bridge: Bridge;
  readonly #up: Up;

  constructor(client: Channel, admitted: AdmittedClient, options: SessionOptions) {
    this.#bridge = new Bridge(client, admitted, options);
    this.#up = new Up(this.#bridge);
  }

  get peer(): Peer {
    return this.#bridge.peer;
  }

  /** It has ended, and may still be freeing what it held. */
  get over(): boolean {
    return this.#bridge.over;
  }

  /** What its handshake came to: undefined before that is answered, and for a request that stands alone. */
  get negotiated(): Negotiated | undefined {
    return this.#bridge.admitted.negotiated;
  }

  /** What the server of the moment is spoken to by; undefined before the first message of the client. */
  get server(): Channel | undefined {
    return this.#bridge.server;
  }

  /** Requests of the client that wait for an answer. */
  get openRequests(): number {
    return this.#bridge.fromClient.size;
  }

  /** What they are, oldest first. */
  get openCalls(): OpenCall[] {
    return this.#bridge.fromClient.calls();
  }

  /** Tells once of each that has been open for so long. */
  tellSlow(ms: number): void {
    if (this.openRequests > 0) this.#bridge.fromClient.tellSlow(ms);
  }

  /** Settles when no request of the client is open. */
  drained(): Promise<void> {
    return this.#bridge.fromClient.drained();
  }

  /** Runs until either side is done; settles when both channels are disposed. Never rejects. */
  run(): Promise<void> {
    const { peer: { session, wire, scope, principal, address }, options } = this.#bridge;
    options.emit({ type: "session.opened", session, wire, scope, principal: principal?.name, address });
    this.#up.listen();
    return this.#bridge.ended.then((end) => this.#close(end));
  }

  /** Ends the session: open requests are answered with the error, then both channels are freed. */
  end(error: GatewayError): void {
    this.#bridge.finish({ reason: "ended by the gateway", error });
  }

  async #close({ reason, error, left = false }: SessionEnd): Promise<void> {
    const { client, server, peer: { session, scope, principal }, options } = this.#bridge;
    this.#answerOpen(error, left);
    const fault = (error: unknown) => this.#bridge.fault("end of session", error);
    const serverFreed = server && free(server, { reason: error, fault });
    // What the client had sent already is read to its end: the loop answers it. Takes no longer than that, since an
    // ended session must not be found by its client any more.
    if (error) await this.#up.caughtUp(REFUSE_WAITING_MS);
    await free(client, { reason: error, fault });
    await serverFreed;
    await this.#bridge.readToEnd();
    const why = { reason, ...(error && { error }) };
    options.emit({ type: "session.closed", session, scope, principal: principal?.name, ...why });
  }

  /** Does not wait for a stalled client: a message counts as handed over when `send` returns. */
  #answerOpen(reason: GatewayError | undefined, left: boolean): void {
    // As mostly: a stateless call is over with its answer.
    if (this.openRequests === 0) return;
    const { client, fromClient } = this.#bridge;
    const error = reason ?? sessionOver();
    const inOrder = reason === undefined || reason instanceof StoppingError;
    // Who found no room may come again: HTTP has a status for it.
    const undelivered = error instanceof BusyError ? undeliveredBy(error) : undefined;
    const told = toRpcError(error);
    // In that era to leave is to cancel (2026-07-28, "Cancellation" of its Streamable HTTP page).
    const outcome = left && this.#bridge.era === "modern" ? "cancelled" : "failed";
    for (const { id, lasting } of fromClient.takeAll(outcome, told.message)) {
      const message = lasting && inOrder ? endOfLasting(id) : errorOf(id, told);
      this.#bridge.say(client, { message, relatesTo: id, undelivered });
    }
  }
}
