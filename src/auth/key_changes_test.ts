import assert from "node:assert/strict";
import { recorder } from "../../tests/support/recorder.ts";
import { type KeyState, statesByName, tellKeyChanges } from "./key_changes.ts";

function told(before: Record<string, KeyState>, now: Record<string, KeyState>) {
  const record = recorder();
  const states = (all: Record<string, KeyState>) => new Map(Object.entries(all));
  tellKeyChanges(record.emit, { kind: "apiKey", before: states(before), now: states(now) });
  return record.told("auth.keys_changed").map(({ made, changed, revoked, removed }) => ({
    ...{ made, changed, revoked, removed },
  }));
}

const valid = (version: string): KeyState => ({ version, isRevoked: false });

Deno.test("tellKeyChanges names what is new, another, taken back and gone, and no more", () => {
  const before = { same: valid("1"), other: valid("1"), back: valid("1"), gone: valid("1") };
  const back = { version: "2", isRevoked: true };
  assert.deepEqual(told(before, { same: valid("1"), other: valid("2"), back, fresh: valid("1") }), [
    { made: ["fresh"], changed: ["other"], revoked: ["back"], removed: ["gone"] },
  ]);
  assert.deepEqual(told(before, before), []);
  // It is told once that one was taken back.
  assert.deepEqual(told({ back }, { back: { version: "3", isRevoked: true } }), [
    { made: [], changed: ["back"], revoked: [], removed: [] },
  ]);
});

Deno.test("statesByName knows a name by all that count for it", () => {
  const identity = (credential: string, scopes: string[] = []) => ({
    principal: { name: `bearer/${credential}` },
    ...{ scopes, credential },
  });
  const states = (...all: [string, ReturnType<typeof identity>][]) => statesByName(all);
  const before = states(["d1", identity("ci")], ["d2", identity("ci")]);
  assert.deepEqual([...before.keys()], ["ci"]);
  for (
    const now of [
      states(["d1", identity("ci")]),
      states(["d1", identity("ci")], ["d3", identity("ci")]),
      states(["d1", identity("ci")], ["d2", identity("ci", ["admin"])]),
    ]
  ) assert.notDeepEqual(now, before);
});
