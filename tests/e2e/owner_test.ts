/** What many clients of one real server say and hear, checked message by message. */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";
import { handshake } from "../../src/adapters/handshake.ts";
import { SharedServer } from "../../src/adapters/sharing/shared_server.ts";
import { processBackend } from "../../src/backends/process/process.ts";
import { isResponse } from "../../src/core/message/jsonrpc.ts";
import { inTime } from "../contract/deadline.ts";
import { LAUNCH } from "../support/fake_backend.ts";
import { LOG_LEVELS } from "../support/log_levels.ts";
import { request } from "../support/messages.ts";
import { OwnerClient } from "../support/owner_client.ts";
import { pulled } from "../support/pulled.ts";
import { Random, randomSeed } from "../support/random.ts";
import { recorder } from "../support/recorder.ts";
import { SUBSCRIPTIONS } from "../support/limits.ts";

const CLIENTS = 16;
const SINGLE_REQUESTS = 3; // Of the clients, those without a session.
const ROUNDS = 125;
const REQUESTS_A_ROUND = 80;

/** One real server, shared by many clients. */
async function startShared() {
  const record = recorder();
  const backend = processBackend({
    name: "owner",
    program: Deno.execPath(),
    args: ["run", "--no-config", fromFileUrl(new URL("../fixtures/owner_server.ts", import.meta.url))],
    ...{ shell: false, env: {}, maxMessageBytes: 1 << 20, stopTimeoutMs: 1_000, emit: record.emit },
  });
  const server = await backend.open(LAUNCH, new AbortController().signal);
  const { answer: initialized, incoming } = await handshake(server, {
    protocolVersion: "2025-11-25",
    clientInfo: { name: "keystone", version: "1.0.0" },
    timeoutMs: 20_000,
  });
  const shared = new SharedServer({
    ...{ server, incoming, initialized, versions: ["2025-11-25"], session: "shared", emit: record.emit },
    ...{ maxBufferedMessages: 10_000, maxBufferedBytes: 1 << 26, ...SUBSCRIPTIONS },
  });
  return { ...record, shared, [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose]() };
}

/** The clients, some of which leave and come again under another name. */
class Crowd {
  readonly clients: OwnerClient[] = [];
  asked = 0;
  readonly #shared: SharedServer;
  readonly #random: Random;
  #joined = 0;

  constructor(shared: SharedServer, random: Random) {
    this.#shared = shared;
    this.#random = random;
  }

  async join(place: number): Promise<void> {
    const kind = place < SINGLE_REQUESTS ? "request" : "session";
    const client = new OwnerClient({
      name: `client ${place}, life ${++this.#joined}`,
      ...{ kind, channel: this.#shared.join(kind), random: new Random(this.#random.below(2 ** 31)) },
    });
    this.clients[place] = client;
    await client.introduce();
  }

  /** Few clients or all of them, so that the server's questions now have one receiver and now have not. */
  async round(): Promise<void> {
    const places = [...this.clients.keys()].sort(() => this.#random.next() - 0.5);
    const active = places.slice(0, this.#random.pick([1, 2, 3, CLIENTS]));
    const leaving = this.#random.chance(0.5) ? active.pop() : undefined;
    await Promise.all([
      ...active.map((place) => this.clients[place]?.act(Math.ceil(REQUESTS_A_ROUND / active.length))),
      leaving === undefined ? undefined : this.#leaveAmidst(leaving),
    ]);
  }

  /** Leaves with requests of all kinds open, and joins again. */
  async #leaveAmidst(place: number): Promise<void> {
    const client = this.clients[place];
    await client?.act(this.#random.below(5));
    void client?.act(4).catch(() => {});
    await client?.leave();
    this.asked += client?.asked ?? 0;
    await this.join(place);
  }
}

async function stateOf(shared: SharedServer): Promise<Record<string, unknown>> {
  await using prober = shared.join("session");
  await prober.send({ message: request(1, "tools/call", { name: "state", arguments: {} }) });
  for await (const { message } of pulled(prober.incoming)) {
    if (!isResponse(message)) continue;
    assert("result" in message);
    return message.result as Record<string, unknown>;
  }
  throw new Error("No answer");
}

Deno.test("SharedServer brings everything to its owner and nothing to anybody else, in 10,000 random calls", async () => {
  const seed = Number(Deno.env.get("OWNER_SEED") ?? randomSeed());
  await using started = await startShared();
  const { shared } = started;
  const crowd = new Crowd(shared, new Random(seed));
  try {
    for (let place = 0; place < CLIENTS; place++) await crowd.join(place);
    for (let round = 0; round < ROUNDS; round++) await inTime(crowd.round(), `Round ${round}`);
    const { clients } = crowd;
    const wanted = new Set(clients.flatMap(({ subscriptions }) => [...subscriptions]));
    const levels = clients.flatMap(({ level }) => level ?? []);
    const { subscribed, level, violations } = await stateOf(shared);
    assert.deepEqual(subscribed, [...wanted].sort());
    assert.equal(level, LOG_LEVELS[Math.min(...levels)]);
    assert.deepEqual(violations, []);
    for (const client of clients) await client.leave();
    assert.deepEqual((await stateOf(shared)).subscribed, []);
    assert.deepEqual(started.told("fault"), []);
    const asked = clients.reduce((sum, client) => sum + client.asked, crowd.asked);
    assert(asked > 50, `Clients were asked only ${asked} times`);
  } catch (error) {
    throw new Error(`With OWNER_SEED=${seed}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
});
