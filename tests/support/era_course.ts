/** The course of conversations that are translated there and back: who plays in them, and what stands in between. */
import { AskingTurns } from "../../src/adapters/era/asking_turns.ts";
import { forLegacyClients } from "../../src/adapters/era/for_legacy_clients.ts";
import { forModernClients } from "../../src/adapters/era/for_modern_clients.ts";
import type { LegacyCall } from "../../src/adapters/era/legacy_call.ts";
import { ParkedCalls } from "../../src/adapters/era/parked_calls.ts";
import { RequestStates } from "../../src/adapters/era/request_state.ts";
import type { Backend } from "../../src/core/backend.ts";
import { memoryChannels } from "../../src/core/channel.ts";
import type { World } from "./era_players.ts";
import { type Script, Scripts } from "./era_script.ts";
import { LegacyClient, LegacyServer } from "./legacy_players.ts";
import { ModernClient, ModernServer } from "./modern_players.ts";
import { Random, randomSeed } from "./random.ts";
import { type Recorder, recorder } from "./recorder.ts";

const CONVERSATIONS = 15;
const SEED = Number(Deno.env.get("ERA_SEED") ?? randomSeed());

/** One for each conversation: `ERA_SEED` repeats what chance did. */
export const SEEDS: readonly number[] = Array.from({ length: CONVERSATIONS }, (_, at) => SEED + at);

export interface Course extends World, Disposable {
  readonly record: Recorder;
  readonly random: Random;
  /** Rejects with what went wrong first. */
  readonly failed: Promise<never>;
  readonly logs: boolean;
  /** `shared` where the server is there for several. */
  modern(legacy: Backend, shared?: boolean): Backend;
  legacy(modern: Backend): Backend;
}

export function course(seed: number): Course {
  const record = recorder();
  const random = new Random(seed);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const parked = new ParkedCalls<LegacyCall>({
    ...{ ttlMs: 600_000, maxCalls: 100, maxPerPrincipal: 100, emit: record.emit },
  });
  const states = new RequestStates({ ttlMs: 600_000 });
  const turns = new AskingTurns();
  return {
    ...{ record, random, failed: failed.promise, logs: random.chance(0.5) },
    ...{ where: `ERA_SEED=${seed}`, names: new Scripts(seed), scripts: new Map() },
    fail: failed.reject,
    modern: (legacy, shared = false) =>
      forModernClients(legacy, {
        maxSubscriptions: 500,
        ...{ protocolVersion: "2025-11-25", timeoutMs: 60_000, shared, parked, states, turns },
        emit: record.emit,
      }),
    legacy: (modern) => forLegacyClients(modern, { emit: record.emit }),
    [Symbol.dispose]: () => parked[Symbol.dispose](),
  };
}

/** Each of its conversations is with a server of its own. */
export function played<S>(
  servers: S[],
  play: (channel: ReturnType<typeof memoryChannels>[0]) => S,
): Backend {
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

/** So many scripts of those that fit: all, unless told otherwise. */
export function scriptsOf(
  { names, scripts }: World,
  count: number,
  fits: (script: Script) => boolean = () => true,
): Script[] {
  return Array.from({ length: count }, () => {
    let script = names.next();
    while (!fits(script)) script = names.next();
    scripts.set(script.call, script);
    return script;
  });
}

/** Who is at both ends, and what stands between them. */
export const AROUND = {
  legacy: {
    play: LegacyClient,
    serve: LegacyServer,
    translated: (world: Course, backend: Backend, shared?: boolean) =>
      world.legacy(world.modern(backend, shared)),
  },
  modern: {
    play: ModernClient,
    serve: ModernServer,
    translated: (world: Course, backend: Backend) => world.modern(world.legacy(backend)),
  },
} as const;
