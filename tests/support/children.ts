/** Tests of the process backend: real children, the events they cause, and a process table that is clean afterwards. */
import {
  type ProcessBackend,
  processBackend,
  type ProcessOptions,
} from "../../src/backends/process/process.ts";
import type { Launch } from "../../src/core/backend.ts";
import type { Channel } from "../../src/core/channel.ts";
import type { GatewayEvent } from "../../src/core/events.ts";
import { inTime } from "../contract/deadline.ts";
import { eventually, SCRIPTED } from "./keystone.ts";

type Options = Partial<ProcessOptions>;
type EventOf<T extends GatewayEvent["type"]> = Extract<GatewayEvent, { type: T }>;

/** Registers a test that is given children, and that fails when one of their groups outlives it. */
export function childTest(name: string, run: (children: Children) => Promise<void>): void {
  Deno.test({
    name,
    // The children are lines for /bin/sh.
    ignore: Deno.build.os === "windows",
    sanitizeOps: true,
    sanitizeResources: true,
    async fn() {
      await using children = new Children();
      await inTime(run(children), "The end of the test");
      await children.stop();
      await eventually(() => membersOf(children.pids), (left) => left.length === 0);
    },
  });
}

/** Starts children, and hears what is said of them. */
export class Children implements AsyncDisposable {
  readonly events: GatewayEvent[] = [];
  readonly #backends: ProcessBackend[] = [];
  #heard = Promise.withResolvers<void>();

  get pids(): number[] {
    return this.told("child.started").map(({ pid }) => pid);
  }

  /** A backend of the scripted server, unless told otherwise. */
  backend(options: Options = {}): ProcessBackend {
    const [program = "", ...args] = SCRIPTED;
    const backend = processBackend({
      name: "test",
      program,
      args,
      shell: false,
      env: {},
      maxMessageBytes: 16 * 1024 * 1024,
      stopTimeoutMs: 10_000,
      emit: (event) => this.#hear(event),
      ...options,
    });
    this.#backends.push(backend);
    return backend;
  }

  open(options: Options = {}, launch: Partial<Launch> = {}): Promise<Channel> {
    return this.backend(options).open(launchOf(launch), new AbortController().signal);
  }

  /** The scripted server. */
  scripted(...flags: string[]): Promise<Channel> {
    return this.open({}, { args: flags });
  }

  /** A child that is a script for /bin/sh. */
  script(script: string, options: Options = {}): Promise<Channel> {
    return this.open({ program: "/bin/sh", args: ["-c", script], ...options });
  }

  told<T extends GatewayEvent["type"]>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  /** The first event of this type, as soon as there is one. */
  async hears<T extends GatewayEvent["type"]>(type: T): Promise<EventOf<T>> {
    while (true) {
      const [event] = this.told(type);
      if (event) return event;
      await this.#heard.promise;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend[Symbol.asyncDispose]()));
  }

  /** What a test that failed has left behind ends here. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const backend of this.#backends) backend.kill();
    await this.stop();
  }

  #hear(event: GatewayEvent): void {
    this.events.push(event);
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }
}

export function launchOf(launch: Partial<Launch> = {}): Launch {
  return { session: "s1", args: [], env: {}, headers: {}, ...launch };
}

/** The living members of these process groups, orphans included. */
export async function membersOf(groups: readonly number[]): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,pgid=,stat="] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n")
    .map((row) => row.trim().split(/\s+/))
    // A zombie has ended; only its parent has not looked yet.
    .filter(([, group, stat]) => groups.includes(Number(group)) && !stat?.startsWith("Z"))
    .map(([pid]) => Number(pid));
}
