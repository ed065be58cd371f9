/** Changes that a client wants to hear of, translated there and back: it hears what it has asked for, once, as it was said. */
import assert from "node:assert/strict";
import type { Backend } from "../../core/backend.ts";
import { type Channel, memoryChannels } from "../../core/channel.ts";
import {
  CAPABILITIES,
  CLIENT_INFO,
  KEY,
  Player,
  type Said,
  SERVER_INFO,
  type World,
} from "../../../tests/support/era_players.ts";
import { member, object, Scripts, valueOf } from "../../../tests/support/era_script.ts";
import { JsonTexts } from "../../../tests/support/exact_json.ts";
import { LAUNCH } from "../../../tests/support/fake_backend.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { Random, randomSeed } from "../../../tests/support/random.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import { forLegacyClients } from "./for_legacy_clients.ts";
import { AskingTurns } from "./asking_turns.ts";
import { forModernClients } from "./for_modern_clients.ts";
import type { LegacyCall } from "./legacy_call.ts";
import { ParkedCalls } from "./parked_calls.ts";
import { RequestStates } from "./request_state.ts";

const SEED = Number(Deno.env.get("ERA_SEED") ?? randomSeed());
const CONVERSATIONS = 5;
const STEPS = 30;
const URIS = ['"test://a"', '"test://\u00fc"', '"test:///b?c=%20"', '"\u{1F600}:x"'];
const OFFERED = '"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true}}';
const TOOLS = "notifications/tools/list_changed";
const UPDATED = "notifications/resources/updated";
const STREAM = `${KEY}subscriptionId`;
const SERVER = member("_meta", object([member(`${KEY}serverInfo`, SERVER_INFO)]));
const META = object([
  member(`${KEY}protocolVersion`, '"2026-07-28"'),
  member(`${KEY}clientInfo`, CLIENT_INFO),
  member(`${KEY}clientCapabilities`, CAPABILITIES),
]);

/** One conversation of a server. */
abstract class Server extends Player {
  /** JSON of the URIs of whose changes it tells, and whether it tells of those of its tools. */
  abstract readonly uris: ReadonlySet<string>;
  abstract readonly listens: boolean;
  /** `members` are those of the params, `meta` those of their `_meta`. */
  abstract change(method: string, members: readonly string[], meta: readonly string[]): void;

  protected answer(said: Said, ...members: string[]): void {
    this.say(`{"jsonrpc":"2.0","id":${said.at("id")},"result":${object(members)}}`);
  }

  protected tell(method: string, params: string): void {
    this.say(`{"jsonrpc":"2.0","method":"${method}","params":${params}}`);
  }
}

class LegacyServer extends Server {
  readonly uris = new Set<string>();
  listens = false;

  protected hear(said: Said): void {
    const uri = said.at("params", "uri") ?? "";
    if (said.method === "notifications/initialized") return void (this.listens = true);
    if (said.method === "resources/subscribe") this.uris.add(uri);
    else if (said.method === "resources/unsubscribe") this.uris.delete(uri);
    else if (said.method !== "initialize") return this.unexpected(said);
    this.answer(said, '"protocolVersion":"2025-11-25"', OFFERED, member("serverInfo", SERVER_INFO));
  }

  change(method: string, members: readonly string[], meta: readonly string[]): void {
    this.tell(method, object([...members, member("_meta", object(meta))]));
  }
}

class ModernServer extends Server {
  /** What each stream is to tell of, by its id; the last is the one that counts. */
  readonly #streams = new Map<string, Said>();

  get uris(): ReadonlySet<string> {
    const uris = this.#last?.[1].at("params", "notifications", "resourceSubscriptions") ?? "[]";
    return new Set(JSON.parse(uris).map((uri: string) => JSON.stringify(uri)));
  }

  get listens(): boolean {
    return this.#last?.[1].at("params", "notifications", "toolsListChanged") === "true";
  }

  get #last(): [string, Said] | undefined {
    return [...this.#streams].at(-1);
  }

  protected hear(said: Said): void {
    if (said.method === "server/discover") {
      return this.answer(said, '"supportedVersions":["2026-07-28"]', OFFERED, SERVER);
    }
    if (said.method === "notifications/cancelled") {
      return void this.#streams.delete(said.at("params", "requestId") ?? "");
    }
    if (said.method !== "subscriptions/listen") return this.unexpected(said);
    const id = said.at("id") ?? "";
    this.#streams.set(id, said);
    const notifications = member("notifications", said.at("params", "notifications") ?? "{}");
    const meta = member("_meta", object([member(STREAM, id)]));
    this.tell("notifications/subscriptions/acknowledged", object([notifications, meta]));
  }

  change(method: string, members: readonly string[], meta: readonly string[]): void {
    const stream = member(STREAM, this.#last?.[0] ?? "null");
    this.tell(method, object([...members, member("_meta", object([stream, ...meta]))]));
  }
}

/** Whoever asks for changes, and keeps what it hears of them. */
abstract class Client extends Player {
  /** Method and params of each change. */
  readonly heard: string[] = [];
  readonly #open = new Map<string, () => void>();
  abstract begin(): Promise<void>;
  /** Wants to hear of something else than before. */
  abstract turn(random: Random): Promise<void>;
  /** The params that it is to hear, once for each that it has asked for. */
  abstract expects(
    method: string,
    uri: string,
    members: readonly string[],
    meta: readonly string[],
  ): string[];

  protected hear(said: Said): void {
    const id = said.at("id") ?? said.at("params", "_meta", STREAM) ?? "";
    const waits = this.#open.get(id);
    if (waits && (said.method === undefined || said.method.endsWith("acknowledged"))) return waits();
    if (said.method === undefined) return this.unexpected(said);
    this.heard.push(said.method + valueOf(said.at("params") ?? "{}"));
  }

  /** Settles with its answer, or with its acknowledgement. */
  protected async ask(id: string, method: string, params: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open.set(id, resolve);
    this.say(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`);
    await promise;
    this.#open.delete(id);
  }
}

class LegacyClient extends Client {
  readonly #uris = new Set<string>();

  async begin(): Promise<void> {
    const params = ['"protocolVersion":"2025-11-25"', member("capabilities", CAPABILITIES)];
    await this.ask('"init"', "initialize", object([...params, member("clientInfo", CLIENT_INFO)]));
    this.say('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  async turn(random: Random): Promise<void> {
    const uri = random.pick(URIS);
    const subscribes = !this.#uris.delete(uri);
    if (subscribes) this.#uris.add(uri);
    const method = subscribes ? "resources/subscribe" : "resources/unsubscribe";
    await this.ask(this.world.names.name(), method, object([member("uri", uri)]));
  }

  expects(method: string, uri: string, members: readonly string[], meta: readonly string[]): string[] {
    const hears = method === TOOLS || this.#uris.has(uri);
    return hears ? [object([...members, member("_meta", object(meta))])] : [];
  }
}

class ModernClient extends Client {
  readonly #streams = new Map<string, { readonly uris: readonly string[]; readonly tools: boolean }>();

  async begin(): Promise<void> {
    await this.ask('"d"', "server/discover", object([member("_meta", META)]));
  }

  async turn(random: Random): Promise<void> {
    if (this.#streams.size > 2 || (this.#streams.size > 0 && random.chance(0.3))) {
      const id = random.pick([...this.#streams.keys()]);
      this.#streams.delete(id);
      return this.say(
        `{"jsonrpc":"2.0","method":"notifications/cancelled","params":${object([member("requestId", id)])}}`,
      );
    }
    const stream = { uris: URIS.filter(() => random.chance(0.5)), tools: random.chance(0.5) };
    const id = this.world.names.name();
    this.#streams.set(id, stream);
    const filter = [
      member("resourceSubscriptions", `[${stream.uris.join(",")}]`),
      member("toolsListChanged", `${stream.tools}`),
    ];
    const params = [member("_meta", META), member("notifications", object(filter))];
    await this.ask(id, "subscriptions/listen", object(params));
  }

  expects(method: string, uri: string, members: readonly string[], meta: readonly string[]): string[] {
    return [...this.#streams].filter(([, { uris, tools }]) => method === TOOLS ? tools : uris.includes(uri))
      .map(([id]) => object([...members, member("_meta", object([...meta, member(STREAM, id)]))]));
  }
}

const ENDS = {
  legacy: { client: LegacyClient, server: LegacyServer },
  modern: { client: ModernClient, server: ModernServer },
} as const;

for (const era of ["legacy", "modern"] as const) {
  Deno.test(`a ${era} client hears of the changes at a ${era} server with two translators in between`, async () => {
    for (let seed = SEED; seed < SEED + CONVERSATIONS; seed++) await assertHeard(era, seed);
  });
}

async function assertHeard(era: keyof typeof ENDS, seed: number): Promise<void> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const where = `ERA_SEED=${seed}`;
  const world: World = { where, names: new Scripts(seed), scripts: new Map(), fail: failed.reject };
  const { emit, drops, told } = recorder();
  using parked = new ParkedCalls<LegacyCall>({ ttlMs: 1, maxCalls: 1, maxPerPrincipal: 1, emit });
  const servers: Server[] = [];
  const backend: Backend = {
    name: "played",
    open() {
      const [near, far] = memoryChannels();
      servers.push(new ENDS[era].server(far, "the server", world));
      return Promise.resolve(near);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const toModern = (legacy: Backend) =>
    forModernClients(legacy, {
      turns: new AskingTurns(),
      maxSubscriptions: 500,
      ...{ protocolVersion: "2025-11-25", timeoutMs: 60_000, shared: false, parked, emit },
      states: new RequestStates({ ttlMs: 1 }),
    });
  const toLegacy = (modern: Backend) => forLegacyClients(modern, { emit });
  const translated = era === "legacy" ? toLegacy(toModern(backend)) : toModern(toLegacy(backend));
  await using channel: Channel = await translated.open(LAUNCH, new AbortController().signal);
  const client = new ENDS[era].client(channel, "the client", world);
  const random = new Random(seed);
  const json = new JsonTexts(seed);

  /** Something changes at the server, which says it in each of its conversations in which somebody wants to hear it. */
  async function change(): Promise<void> {
    const method = random.pick([TOOLS, UPDATED]);
    const uri = random.pick(URIS);
    const members = [...method === UPDATED ? [member("uri", uri)] : [], member("x", json.value())];
    const meta = [member("com.example/x", json.value()), '"traceparent":"00-\\u0031-2-01"'];
    for (const server of servers) {
      const wanted = method === TOOLS ? server.listens : server.uris.has(uri);
      if (wanted && !server.isOver) server.change(method, members, meta);
    }
    await settled();
    const expected = client.expects(method, uri, members, meta).map((params) => method + valueOf(params));
    assert.deepEqual(client.heard.splice(0).sort(), expected.sort(), where);
  }

  const course = async () => {
    await client.begin();
    for (let step = 0; step < STEPS; step++) {
      if (random.chance(0.4)) await client.turn(random);
      await settled();
      await change();
    }
  };
  await Promise.race([course(), failed.promise]);
  assert.deepEqual([drops(), told("fault")], [[], []], where);
}
