/** Has V8 collect what is young, as a busy gateway does: what is left has grown old, or is held by what has. */
import assert from "node:assert/strict";

/** Some times as much as there is room for. */
const ROUNDS = 1_000;
const LENGTH = 10_000;

export function collectYoung(): void {
  let length = 0;
  for (let round = 0; round < ROUNDS; round++) length += new Array<number>(LENGTH).fill(round).length;
  assert(length === ROUNDS * LENGTH);
}
