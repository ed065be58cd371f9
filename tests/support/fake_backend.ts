/** A backend whose servers are played by the test. */
import type { Backend, Launch } from "../../src/core/backend.ts";
import { type Channel, memoryChannels, type Undelivered } from "../../src/core/channel.ts";
import { isRequest, type RequestId } from "../../src/core/message/jsonrpc.ts";
import { Queue } from "../../src/base/queue.ts";
import { FarEnd } from "./far_end.ts";
import { failure, result } from "./messages.ts";
import { pulled } from "./pulled.ts";

export const LAUNCH: Launch = { session: "s1", args: [], env: {}, headers: {} };

/** One server that was opened. */
export class FakeServer extends FarEnd {
  /** The gateway's end of it, for a test that breaks its `send`. */
  readonly near: Channel;
  disposed = false;
  readonly #far: Channel;

  constructor(far: Channel, near: Channel) {
    super(far);
    this.#far = far;
    const dispose = near[Symbol.asyncDispose].bind(near);
    near[Symbol.asyncDispose] = () => {
      this.disposed = true;
      return dispose();
    };
    this.near = near;
  }

  /** Answers as a wire does for a server that it did not reach. */
  turnAway(id: RequestId, undelivered: Undelivered = { again: "later" }): void {
    void this.#far.send({ message: failure(id, "not reached"), undelivered });
  }

  /** It says what the gateway does not take, which ends it. */
  breakOff(reason: Error): void {
    if (!(this.near.incoming instanceof Queue)) throw new TypeError("Its channel has no queue");
    this.near.incoming.fail(reason);
  }

  /** Answers the next message, which must be a request of this method. */
  async accept(method: string, value: unknown = {}): Promise<void> {
    const message = await this.hear();
    if (!isRequest(message) || message.method !== method) {
      throw new Error(`Expected ${method}, and heard ${JSON.stringify(message)}`);
    }
    this.say(result(message.id, value));
  }
}

/** Each `open` settles as the test wants: `refuse` is asked first, with the number of the attempt. */
export class FakeBackend implements Backend {
  readonly name = "fake";
  readonly #servers = new Queue<FakeServer>();
  readonly #iterator = pulled(this.#servers);
  readonly #refuse: (attempt: number, signal: AbortSignal) => Promise<void> | void;
  /** What each was opened with. */
  readonly launches: Launch[] = [];

  constructor(refuse: (attempt: number, signal: AbortSignal) => Promise<void> | void = () => {}) {
    this.#refuse = refuse;
  }

  get attempts(): number {
    return this.launches.length;
  }

  async open(launch: Launch, signal: AbortSignal): Promise<Channel> {
    await this.#refuse(this.launches.push(launch), signal);
    const [near, far] = memoryChannels();
    void this.#servers.push(new FakeServer(far, near));
    return near;
  }

  /** The next server that is opened. */
  async next(): Promise<FakeServer> {
    const { value } = await this.#iterator.next();
    if (!value) throw new Error("No server is opened any more");
    return value;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#servers.end();
    return Promise.resolve();
  }
}
