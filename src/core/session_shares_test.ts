import assert from "node:assert/strict";
import type { Peer } from "./backend.ts";
import { StoppingError } from "./errors.ts";
import { SessionShares } from "./session_shares.ts";

const KNOWN = { principal: { name: "apiKey/ci" }, address: "10.0.0.1" };

let sessions = 0;
function peer(who: Partial<Peer>): Peer {
  return { session: `session ${++sessions}`, wire: "sse", scope: "session", ...who };
}

function rig(places = 2, queueTimeoutMs = 60_000) {
  const asked: ((session: string) => boolean)[] = [];
  const shares = new SessionShares({ places, queueTimeoutMs, makeRoom: (isOwn) => void asked.push(isOwn) });
  /** Whether this one gets a place at once. */
  const enters = (who: Partial<Peer>) => {
    const wait = shares.acquire(peer(who));
    wait?.catch(() => {});
    return wait === undefined;
  };
  return { shares, asked, enters };
}

Deno.test("SessionShares count a principal wherever it is, others by address or /64, and nobody without one", () => {
  const { enters, shares } = rig();
  const count = (...all: Partial<Peer>[]) => all.filter(enters).length;
  assert.equal(count(KNOWN, { ...KNOWN, address: "10.0.0.2" }, KNOWN), 2);
  assert.equal(count({ ...KNOWN, principal: { name: "apiKey/other" } }), 1);
  assert.equal(count({ address: "10.0.0.1" }, { address: "::ffff:10.0.0.1" }, { address: "10.0.0.1" }), 2);
  assert.equal(count({ address: "2001:db8::1" }, { address: "2001:db8::2" }, { address: "2001:db8::3" }), 2);
  assert.equal(count({}, {}, {}), 3);
  shares.close(new StoppingError());
});

Deno.test("SessionShares give a place back to whoever of the same waits, and know nobody who has none", async () => {
  const { shares } = rig(1);
  const [first, second] = [peer(KNOWN), peer(KNOWN)];
  assert.equal(shares.acquire(first), undefined);
  const waits = shares.acquire(second);
  shares.release(first);
  // Given back once.
  shares.release(first);
  await waits;
  const third = shares.acquire(peer(KNOWN));
  shares.close(new StoppingError());
  await assert.rejects(async () => await third, StoppingError);
  shares.release(second);
  assert.equal(shares.acquire(peer(KNOWN)), undefined);
});

Deno.test("SessionShares ask for room among the sessions of the same alone, and name the option", async () => {
  const { shares, asked } = rig(1, 0);
  const [own, foreign] = [peer(KNOWN), peer({ address: "10.0.0.9" })];
  for (const one of [own, foreign]) assert.equal(shares.acquire(one), undefined);
  await assert.rejects(async () => await shares.acquire(peer(KNOWN)), {
    status: 503,
    message: "Too many sessions of one caller (--maxSessionsPerPrincipal): the limit is 1",
  });
  assert.deepEqual([own, foreign].map(({ session }) => asked[0]?.(session)), [true, false]);
});
