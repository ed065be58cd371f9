import assert from "node:assert/strict";
import { modernError } from "./eras.ts";

Deno.test("modernError has no code that 2026-07-28 forbids, and leaves all others", () => {
  const codes = [-32002, -32042, -32001, -32601, -32021, -1];
  const told = codes.map((code) => modernError({ code, message: "m", data: { a: 1 } }));
  assert.deepEqual(told.map(({ code }) => code), [-32602, -32602, ...codes.slice(2)]);
  for (const { message, data } of told) assert.deepEqual([message, data], ["m", { a: 1 }]);
});
