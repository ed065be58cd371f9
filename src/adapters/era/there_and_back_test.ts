/**
 * Conversations translated there and back: what a client of one era says to a server of the same one arrives as if nobody
 * stood in between, but for what the other era cannot say.
 */
import assert from "node:assert/strict";
import { AROUND, course, played, scriptsOf, SEEDS } from "../../../tests/support/era_course.ts";
import { LAUNCH } from "../../../tests/support/fake_backend.ts";
import { settled } from "../../../tests/support/far_end.ts";
import type { PlayedServer } from "../../../tests/support/era_players.ts";

/** Calls at a time, so many times one after the other. */
const AT_A_TIME = 6;
const TIMES = 4;

for (const [era, { play, serve, translated }] of Object.entries(AROUND)) {
  Deno.test(`a ${era} client and a ${era} server lose nothing by two translators in between`, async () => {
    for (const seed of SEEDS) {
      using world = course(seed);
      const servers: PlayedServer[] = [];
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
