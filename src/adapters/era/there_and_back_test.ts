/**
 * Conversations translated there and back: what a client of one era says to a server of the same one arrives as if nobody
 * stood in between, but for what the other era cannot say.
 */
import assert from "node:assert/strict";
import type { Backend } from "../../core/backend.ts";
import { memoryChannels } from "../../core/channel.ts";
import type { World } from "../../../tests/support/era_players.ts";
import { Scripts } from "../../../tests/support/era_script.ts";
import { LAUNCH } from "../../../tests/support/fake_backend.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { LegacyClient, LegacyServer } from "../../../tests/support/legacy_players.ts";
import { ModernClient, ModernServer } from "../../../tests/support/modern_players.ts";
import { Random, randomSeed } from "../../../tests/support/random.ts";
import { type Recorder, recorder } from "../../../tests/support/recorder.ts";
import { forLegacyClients } from "./for_legacy_clients.ts";
import { AskingTurns } from "./asking_turns.ts";
import { forModernClients } from "./for_modern_clients.ts";
import type { LegacyCall } from "./legacy_call.ts";
import { ParkedCalls } from "./parked_calls.ts";
import { RequestStates } from "./request_state.ts";

const CONVERSATIONS = 15;
const SEED = Number(Deno.env.get("ERA_SEED") ?? randomSeed());

/** Calls at a time, so many times one after the other. */
const AT_A_TIME = 6;
const TIMES = 4;

interface Course extends World, Disposable {
  readonly record: Recorder;
  readonly random: Random;
  /** Rejects with what went wrong first. */
  readonly failed: Promise<never>;
  readonly logs: boolean;
  modern(legacy: Backend): Backend;
  legacy(modern: Backend): Backend;
}

function course(seed: number): Course {
  const record = recorder();
  const random = new Random(seed);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const parked = new ParkedCalls<LegacyCall>({
    ...{ ttlMs: 600_000, maxCalls: 100, maxPerPrincipal: 100, emit: record.emit },
  });
  const states = new RequestStates({ ttlMs: 600_000 });
  return {
    ...{ record, random, failed: failed.promise, logs: random.chance(0.5) },
    ...{ where: `ERA_SEED=${seed}`, names: new Scripts(seed), scripts: new Map() },
    fail: failed.reject,
    modern: (legacy) =>
      forModernClients(legacy, {
        turns: new AskingTurns(),
        maxSubscriptions: 500,
        ...{ protocolVersion: "2025-11-25", timeoutMs: 60_000, shared: false, parked, states },
        emit: record.emit,
      }),
    legacy: (modern) => forLegacyClients(modern, { emit: record.emit }),
    [Symbol.dispose]: () => parked[Symbol.dispose](),
  };
}

/** Each of its conversations is with a server of its own. */
function played<S>(servers: S[], play: (channel: ReturnType<typeof memoryChannels>[0]) => S): Backend {
  return {
    name: "played",
    open() {
      const [near, far] = memoryChannels();
      servers.push(play(far));
      return Promise.resolve(near);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function scriptsOf({ names, scripts }: World, count: number) {
  return Array.from({ length: count }, () => {
    const script = names.next();
    scripts.set(script.call, script);
    return script;
  });
}

const AROUND = {
  legacy: {
    play: LegacyClient,
    serve: LegacyServer,
    translated: (world: Course, backend: Backend) => world.legacy(world.modern(backend)),
  },
  modern: {
    play: ModernClient,
    serve: ModernServer,
    translated: (world: Course, backend: Backend) => world.modern(world.legacy(backend)),
  },
} as const;

for (const [era, { play, serve, translated }] of Object.entries(AROUND)) {
  Deno.test(`a ${era} client and a ${era} server lose nothing by two translators in between`, async () => {
    for (let seed = SEED; seed < SEED + CONVERSATIONS; seed++) {
      using world = course(seed);
      const servers: (LegacyServer | ModernServer)[] = [];
      // A legacy client that has set no level is told all, as the one in between: what nobody wants ends there.
      const backend = played(servers, (channel) => new serve(channel, world, { logs: true }));
      const opened = translated(world, backend).open(LAUNCH, new AbortController().signal);
      await using channel = await opened;
      const client = new play(channel, world, { logs: world.logs || era === "legacy" });
      const conversation = async () => {
        await client.introduce();
        for (let times = 0; times < TIMES; times++) await client.play(scriptsOf(world, AT_A_TIME));
        await Promise.all(servers.map(({ finished }) => finished));
      };
      await Promise.race([conversation(), world.failed]);
      await Promise.race([settled(), world.failed]);
      assert.deepEqual([world.record.drops(), world.record.told("fault")], [[], []], world.where);
      // One for each call, and one to ask who it is: all have ended.
      assert.equal(servers.length, TIMES * AT_A_TIME + 1, world.where);
      assert(servers.every(({ isOver }) => isOver), world.where);
    }
  });
}
