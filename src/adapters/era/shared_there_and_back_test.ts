/** Conversations translated there and back, of several clients with one server: nothing is lost, or reaches somebody else. */
import assert from "node:assert/strict";
import type { Backend } from "../../core/backend.ts";
import { REVISIONS } from "../../core/mcp/revisions.ts";
import { AROUND, type Course, course, played, scriptsOf, SEEDS } from "../../../tests/support/era_course.ts";
import type { PlayedServer } from "../../../tests/support/era_players.ts";
import type { Script } from "../../../tests/support/era_script.ts";
import { LAUNCH } from "../../../tests/support/fake_backend.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { SUBSCRIPTIONS } from "../../../tests/support/limits.ts";
import { openShared } from "../sharing/open_shared.ts";
import type { ServerForMany } from "../sharing/server_for_many.ts";
import { ALL_ASKABLE } from "./input_requests.ts";
import { openModern } from "./open_modern.ts";

const CLIENTS = 4;
/** Calls of each at a time, so many times one after the other. */
const AT_A_TIME = 3;
const TIMES = 4;

const { signal } = new AbortController();
const SHARING = {
  ...{ maxBufferedMessages: 1_000, maxBufferedBytes: 1 << 26, timeoutMs: 60_000, ...SUBSCRIPTIONS },
  ...{ protocolVersion: "2025-11-25", versions: REVISIONS, capabilities: ALL_ASKABLE },
  ...{ clientInfo: { name: "keystone", version: "1" }, signal },
};

/** A legacy server does not say for which call it asks: that is clear where the others end without a question. */
const SHARED = {
  legacy: { ...AROUND.legacy, open: openShared, asking: 1 },
  modern: { ...AROUND.modern, open: openModern, asking: Infinity },
} as const;

/** Each of its conversations is a client of this server, all of one party. */
function joining(server: ServerForMany): Backend {
  return {
    name: "shared",
    open: () => Promise.resolve(server.join("session", "ann")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** For all who call at a time. What is logged then is nobody's, since several may be meant. */
function fitting(asking: number): (script: Script) => boolean {
  let left = asking;
  return ({ steps }) => {
    const asks = steps.some(({ kind }) => kind === "ask");
    return steps.every(({ kind }) => kind !== "log") && (!asks || left-- > 0);
  };
}

type Shared = typeof SHARED[keyof typeof SHARED];

async function assertCarried(
  world: Course,
  { play, serve, translated, open, asking }: Shared,
): Promise<void> {
  const servers: PlayedServer[] = [];
  const backend = played(servers, (channel) => new serve(channel, world, { logs: true, shared: true }));
  await using server = await open(backend, LAUNCH, { ...SHARING, emit: world.record.emit });
  const joined = translated(world, joining(server), true);
  const channels = await Promise.all(Array.from({ length: CLIENTS }, () => joined.open(LAUNCH, signal)));
  const clients = channels.map((channel) => new play(channel, world, { logs: true }));
  const conversations = async () => {
    await Promise.all(clients.map((client) => client.introduce()));
    for (let times = 0; times < TIMES; times++) {
      const fits = fitting(asking);
      await Promise.all(clients.map((client) => client.play(scriptsOf(world, AT_A_TIME, fits))));
    }
    await Promise.all(servers.map(({ finished }) => finished));
  };
  await Promise.race([conversations(), world.failed]);
  await Promise.race([settled(), world.failed]);
  assert.deepEqual([world.record.drops(), world.record.told("fault")], [[], []], world.where);
  assert.equal(servers.length, 1, world.where);
  for (const channel of channels) await channel[Symbol.asyncDispose]();
}

for (const [era, shared] of Object.entries(SHARED)) {
  Deno.test(`several ${era} clients and their ${era} server lose nothing by two translators in between, and hear nothing of each other`, async () => {
    for (const seed of SEEDS) {
      using world = course(seed);
      await assertCarried(world, shared);
    }
  });
}
