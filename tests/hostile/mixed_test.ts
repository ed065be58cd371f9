/**
 * Half a minute of all kinds of attack at once, or `HOSTILE_SECONDS`: `HOSTILE_SEED=… deno task hostile` repeats a run as far
 * as chance goes.
 */
import assert from "node:assert/strict";
import { leaksOf, startWatched } from "../support/footprint.ts";
import { randomSeed } from "../support/random.ts";
import { mix } from "./mix.ts";

const WARM_UP_MS = 10_000;
const MIX_MS = 1000 * Number(Deno.env.get("HOSTILE_SECONDS") ?? 25);
/** Vanished clients are given up soon, and nobody who is honest has to wait for their places. */
const FLAGS = [
  ...["--stateful", "--sessionTimeout", "3s", "--keepAlive", "1s", "--logLevel", "error"],
  ...["--maxSessions", "1000", "--maxChildren", "1000"],
];

Deno.test({
  name: "honest callers get their answers beside attacks of all kinds, and nothing is left of these",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const seed = Number(Deno.env.get("HOSTILE_SEED") ?? randomSeed());
    await using gateway = await startWatched(FLAGS);
    // Code is compiled and pools are filled by the first of each kind: what they leave is where it begins.
    await mix(gateway, { seed: seed + 100, until: AbortSignal.timeout(WARM_UP_MS) });
    const before = await gateway.footprintAtRest();
    const { attacks, calls } = await mix(gateway, { seed, until: AbortSignal.timeout(MIX_MS) });
    const after = await gateway.footprintAtRest();
    const told = JSON.stringify({ seed, before, after, calls, attacks: Object.fromEntries(attacks) });
    assert.deepEqual(leaksOf(before, after, { connections: 10 }), [], told);
    for (const [name, count] of attacks) assert(count > 0, `"${name}" never got through: ${told}`);
    assert(calls > 0);
  },
});
