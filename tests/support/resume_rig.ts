/** A session of Streamable HTTP without a socket, whose server the test plays. */
import assert from "node:assert/strict";
import type { EventSourceMessage } from "eventsource-parser";
import type { Channel } from "../../src/core/channel.ts";
import { type EventStore, memoryEventStore } from "../../src/core/event_store.ts";
import { toResponse } from "../../src/core/errors.ts";
import type { JsonRpcMessage, RequestId } from "../../src/core/message/jsonrpc.ts";
import { Stopping } from "../../src/core/stopping.ts";
import { streamable, type StreamableOptions } from "../../src/frontends/streamable/streamable.ts";
import { Inbox } from "../contract/inbox.ts";
import { Events } from "./conversation.ts";
import { result } from "./messages.ts";
import { nobody } from "./nobody.ts";
import { type Recorder, recorder } from "./recorder.ts";
import { ACCEPT, initialize } from "./rpc.ts";
import { unbounded } from "./unbounded.ts";
import { looseBodies, looseUnread } from "./waiting_limits.ts";

const LIMITS = { bytes: 1 << 20, events: 1_000, ageMs: 600_000 };

interface ResumeRig extends Recorder {
  /** Of the session that a test begins with. */
  readonly id: string;
  /** Where the server says what it has to say. */
  readonly server: Channel;
  /** What the client said. */
  readonly inbox: Inbox;
  /** Another session behind the same gateway. */
  another(): Promise<ResumeRig>;
  /** Says it as the server, for this request of the client. */
  say(message: JsonRpcMessage, relatesTo?: RequestId): Promise<void> | void;
  post(message: unknown): Promise<Response>;
  /** Opens the GET stream, or resumes behind this event. */
  get(lastEventId?: string): Promise<Response>;
  end(): Promise<Response>;
}

export interface ResumeRigOptions extends Partial<StreamableOptions> {
  readonly version?: string;
}

/** A session past its handshake, which answers with streams and keeps events unless told otherwise. */
export function resumeRig({ version = "2025-11-25", ...options }: ResumeRigOptions = {}): Promise<ResumeRig> {
  const record = recorder();
  let accepted = Promise.withResolvers<Channel>();
  const handler = streamable({
    accept: (peer) => ({
      peer,
      backlog: unbounded(),
      run(client) {
        accepted.resolve(client);
        return Promise.resolve();
      },
      withdraw: () => {},
    }),
    stateful: true,
    replyMode: "sse",
    keepAliveMs: 60_000,
    sessionTimeoutMs: 60_000,
    maxBufferedMessages: 100,
    maxBufferedBytes: 1 << 20,
    bodies: looseBodies(1 << 20),
    unread: looseUnread(),
    stopping: new Stopping(),
    events: memoryEventStore(LIMITS),
    emit: record.emit,
    ...options,
  });
  const ask = async (method: string, headers: HeadersInit, body?: unknown) => {
    const init = { method, headers, ...body === undefined ? {} : { body: JSON.stringify(body) } };
    try {
      return await handler(new Request("http://127.0.0.1/mcp", init), nobody());
    } catch (error) {
      return toResponse(error);
    }
  };
  const types = { Accept: ACCEPT, "Content-Type": "application/json" };

  async function begin(): Promise<ResumeRig> {
    accepted = Promise.withResolvers();
    const answered = ask("POST", types, initialize(0, version));
    const server = await accepted.promise;
    const inbox = new Inbox(server);
    await inbox.next();
    await server.send({ message: result(0, { protocolVersion: version }), relatesTo: 0 });
    const response = await answered;
    const id = response.headers.get("mcp-session-id") ?? "";
    await response.text();
    const headers = { ...types, "Mcp-Session-Id": id };
    return {
      ...record,
      ...{ id, server, inbox },
      another: begin,
      say: (message, relatesTo) => server.send({ message, relatesTo }),
      post: (message) => ask("POST", headers, message),
      get: (lastEventId) =>
        ask("GET", { ...headers, ...lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId } }),
      async end() {
        const ended = await ask("DELETE", headers);
        await server[Symbol.asyncDispose]();
        return ended;
      },
    };
  }

  return begin();
}

export interface Seen {
  readonly id: string | undefined;
  readonly message: JsonRpcMessage | undefined;
}

/** So many events of a stream, those without data included. */
export async function take(events: Events, count: number): Promise<Seen[]> {
  const seen: Seen[] = [];
  while (seen.length < count) {
    const event = await events.next();
    assert(event, `The stream ended after ${seen.length} of ${count} events`);
    seen.push(...seenIn([event]));
  }
  return seen;
}

/** All events of a stream that ends, those without data included. */
export async function drain(response: Response): Promise<Seen[]> {
  assert.equal(response.status, 200);
  return seenIn(await eventsIn(response).rest());
}

export function eventsIn(response: Response): Events {
  return new Events(response, { priming: true });
}

export function seenIn(events: readonly EventSourceMessage[]): Seen[] {
  return events.map(({ id, data }) => ({ id, message: data === "" ? undefined : JSON.parse(data) }));
}

/** The messages alone. */
export function messagesIn(seen: readonly Seen[]): JsonRpcMessage[] {
  return seen.flatMap(({ message }) => message ? [message] : []);
}

/** A store in which everything takes a while, and a read as long as a test wants. */
export class SlowStore implements EventStore {
  readonly #store = memoryEventStore(LIMITS);
  /** Each read waits for this first. */
  gate: Promise<void> = Promise.resolve();
  reads = 0;

  async append(...args: Parameters<EventStore["append"]>): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    await this.#store.append(...args);
  }

  async read(...args: Parameters<EventStore["read"]>) {
    this.reads++;
    const events = await this.#store.read(...args);
    await this.gate;
    return events;
  }

  async drop(session: string): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    await this.#store.drop(session);
  }
}
