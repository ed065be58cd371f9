/** Many calls through a bridge whose server is killed and started again under them: each is answered exactly once. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { Bridge } from "../support/bridge.ts";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import type { AnyMessage } from "../support/rpc.ts";

/** Calls that find nobody there wait for the restart: together these pauses are longer than one takes. */
const PATIENT = ["--retryAttempts", "40", "--retryDelay", "50ms", "--retryMaxDelay", "200ms"];

/** Calls that are open at a time. */
const WIDTH = 16;

/** Far above what the calls take, on a busy machine as well. */
const ALL_MS = 120_000;

interface Plan {
  readonly calls: number;
  /** Evenly spread over the calls. */
  readonly restarts: number;
}

const WIRES = [
  ["Streamable HTTP", "--streamableHttp", "mcp", { calls: 1000, restarts: 5 }],
  ["SSE", "--sse", "sse", { calls: 300, restarts: 2 }],
  ["WebSocket", "--ws", "ws", { calls: 300, restarts: 2 }],
] as const;

for (const [wire, flag, url, plan] of WIRES) {
  const title =
    `bridge answers ${plan.calls} calls exactly once while its ${wire} server is killed ${plan.restarts} times`;
  Deno.test(title, async () => {
    await using server = await MortalServer.start();
    await using bridge = new Bridge([flag, server.now[url], ...PATIENT]);
    await bridge.begin();
    const answers = await inTime(callThrough(bridge, server, plan), "The answer to every call", ALL_MS);
    // From here on nobody is killed.
    for (let n = 0; n < WIDTH; n++) {
      const { result } = await bridge.call(`after ${n}`, "echo", { n });
      assert.equal(result?.structuredContent.n, n);
    }
    assert.equal(server.restarts, plan.restarts);
    checkAnswers(bridge, answers, plan);
    const times = server.timesSaid();
    assert(times.length > 0 && times.every((count) => count === 1), "A call was sent twice");
  });
}

/** Makes all calls, some at a time, and kills the server in between. */
async function callThrough(
  bridge: Bridge,
  server: MortalServer,
  plan: Plan,
): Promise<Map<number, AnyMessage>> {
  const answers = new Map<number, AnyMessage>();
  const killAt = Array.from(
    { length: plan.restarts },
    (_, n) => Math.round(plan.calls * (n + 1) / (plan.restarts + 1)),
  );
  let next = 0;
  let restarting: Promise<void> | undefined;
  const caller = async () => {
    while (next < plan.calls) {
      const n = next++;
      answers.set(n, await bridge.call(n, "say", { text: `said-${n}-said` }));
      if (answers.size < (killAt[0] ?? Infinity) || restarting) continue;
      killAt.shift();
      restarting = server.restart().finally(() => restarting = undefined);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, caller));
  await restarting;
  while (killAt.pop() !== undefined) await server.restart();
  return answers;
}

function checkAnswers(
  bridge: Bridge,
  answers: ReadonlyMap<number, AnyMessage>,
  { calls, restarts }: Plan,
): void {
  assert.equal(answers.size, calls);
  const counts = new Map<unknown, number>();
  for (const { id, method } of bridge.messages) {
    if (method === undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  assert.deepEqual([...counts.values()].filter((count) => count !== 1), []);
  const all = [...answers.values()];
  const errors = all.filter(({ error }) => error);
  assert(all.every(({ result, error }) => (result === undefined) !== (error === undefined)));
  // Lost is only what was under way when the server was killed, and when the loss of the session came out.
  assert(errors.length <= restarts * WIDTH * 2, `${errors.length} of ${calls} calls failed`);
  for (const { error } of errors) {
    assert.match(error.message, /the request was not sent again$/);
  }
}

/** Keystone with a server for each session, on one port through all its lives. */
class MortalServer implements AsyncDisposable {
  restarts = 0;
  readonly #lives: Keystone[];

  private constructor(first: Keystone) {
    this.#lives = [first];
  }

  static async start(): Promise<MortalServer> {
    return new MortalServer(await live(0));
  }

  get now(): Keystone {
    return this.#lives.at(-1)!;
  }

  /** Kills it in mid-sentence and starts it again. */
  async restart(): Promise<void> {
    const { now } = this;
    now.signal("SIGKILL");
    await now.status;
    this.#lives.push(await live(now.port));
    this.restarts++;
  }

  /** How often each call was carried out, as far as the logs tell. */
  timesSaid(): number[] {
    const times = new Map<string, number>();
    for (const log of this.#lives) {
      for (const [said] of log.stderr().matchAll(/said-\d+-said/g)) {
        times.set(said, (times.get(said) ?? 0) + 1);
      }
    }
    return [...times.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lives.map((life) => life.stop()));
  }
}

function live(port: number): Promise<Keystone> {
  return startKeystone(["--stateful", "--port", String(port)], { server: SCRIPTED });
}
