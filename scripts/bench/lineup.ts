/** The gateways of a stage: each runs for as long as the stage lasts. */
import { inTime } from "../../src/base/waiting.ts";
import type { Bench } from "./bench.ts";
import { type Gateway, type LaunchOptions, startGateway } from "./gateway.ts";
import type { Contestant } from "./peers.ts";

const PREPARE_LIMIT_MS = 60_000;

interface Entrant<T> extends LaunchOptions {
  readonly contestant: Contestant;
  /** Makes of the gateway what the measurements need. */
  prepare(gateway: Gateway): Promise<T>;
}

/** Those that take part, and why others do not. */
export class Lineup<T> implements AsyncDisposable {
  readonly #bench: Bench;
  readonly #gateways: Gateway[] = [];
  readonly #ready = new Map<string, T>();
  readonly #reasons = new Map<string, unknown>();

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  /** Starts a gateway and prepares it. One that fails is stopped, and why is kept for who asks for it. */
  async add(name: string, { contestant, prepare, ...options }: Entrant<T>): Promise<void> {
    let gateway: Gateway | undefined;
    try {
      gateway = await startGateway(this.#bench, contestant, options);
      const late = new Error(`It was not ready to be measured within ${PREPARE_LIMIT_MS / 1000} s`);
      this.#ready.set(name, await inTime(PREPARE_LIMIT_MS, prepare(gateway), late));
      this.#gateways.push(gateway);
    } catch (error) {
      this.#reasons.set(name, error);
      await gateway?.[Symbol.asyncDispose]();
    }
  }

  /** Throws the failure of who could not be prepared. */
  get(name: string): T {
    const ready = this.#ready.get(name);
    if (ready === undefined) throw this.#reasons.get(name) ?? new Error(`Nobody takes part as ${name}`);
    return ready;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway[Symbol.asyncDispose]()));
  }
}
