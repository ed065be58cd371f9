import assert from "node:assert/strict";
import { hasPrimedStreams, isServed, NEWEST, REVISIONS } from "./revisions.ts";

Deno.test("REVISIONS begins with the newest, as errors name them", () => {
  assert.deepEqual([...REVISIONS], [...REVISIONS].sort().reverse());
  assert.equal(NEWEST, REVISIONS[0]);
});

Deno.test("isServed knows each revision that is listed, the one before all of them, and no other", () => {
  for (const revision of [...REVISIONS, "2024-10-07"]) assert(isServed(revision), revision);
  for (const revision of ["", "2026-07-28", "2025-11-2", "DRAFT-2025"]) assert(!isServed(revision), revision);
});

Deno.test("hasPrimedStreams is false for earlier revisions, and where none is known", () => {
  for (const revision of ["2025-11-25", "2026-07-28"]) assert(hasPrimedStreams(revision), revision);
  for (const revision of ["2025-06-18", "2024-11-05", undefined]) {
    assert(!hasPrimedStreams(revision), revision);
  }
});
