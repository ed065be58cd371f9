import assert from "node:assert/strict";
import { Proofs } from "./proofs.ts";
import type { Claims } from "./verification.ts";

const HOUR_MS = 3_600_000;
const [PAST, FUTURE] = [Date.now() - HOUR_MS, Date.now() + HOUR_MS];

function claims(more: Partial<Claims> = {}): Claims {
  return { subject: "ann", audiences: ["a"], scopes: ["read"], expiresMs: FUTURE, ...more };
}

Deno.test("Proofs hold until the token expires, or a newer one of the same owner", () => {
  const proofs = new Proofs(10);
  const holds = proofs.holds(claims({ expiresMs: PAST }));
  assert.equal(holds(), false);
  proofs.holds(claims());
  assert.equal(holds(), true);
  // An older one takes nothing away.
  assert.equal(proofs.holds(claims({ expiresMs: PAST }))(), true);
});

Deno.test("Proofs are held by no token of another owner, for another audience or with less scopes", () => {
  const others = [{ subject: "bob" }, { audiences: ["b"] }, { audiences: ["a", "b"] }, { scopes: [] }, {
    scopes: ["x"],
  }];
  for (const other of others) {
    const proofs = new Proofs(10);
    const holds = proofs.holds(claims({ expiresMs: PAST }));
    proofs.holds(claims(other));
    assert.equal(holds(), false, JSON.stringify(other));
  }
});

Deno.test("Proofs are held by a token with more scopes, and for several audiences in any order", () => {
  const proofs = new Proofs(10);
  const holds = proofs.holds(claims({ expiresMs: PAST, audiences: ["a", "b"] }));
  proofs.holds(claims({ scopes: ["admin", "read"], audiences: ["b", "a"] }));
  assert.equal(holds(), true);
});

Deno.test("Proofs forget the owner that has shown no token for longest", () => {
  const proofs = new Proofs(2);
  const [ann, bob] = ["ann", "bob"].map((subject) => proofs.holds(claims({ subject, expiresMs: PAST })));
  proofs.holds(claims({ subject: "ann", expiresMs: PAST }));
  proofs.holds(claims({ subject: "eve" }));
  for (const subject of ["ann", "bob"]) proofs.holds(claims({ subject }));
  assert.deepEqual([ann?.(), bob?.()], [true, false]);
});

Deno.test("Proofs of one owner are bounded", () => {
  const proofs = new Proofs(2);
  const first = proofs.holds(claims({ scopes: ["0"], expiresMs: PAST }));
  for (let i = 1; i <= 16; i++) proofs.holds(claims({ scopes: [`${i}`] }));
  proofs.holds(claims({ scopes: ["0"] }));
  assert.equal(first(), false);
});
