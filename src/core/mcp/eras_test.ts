import assert from "node:assert/strict";
import { isModernError, modernError } from "./eras.ts";

Deno.test("modernError has no code that 2026-07-28 forbids, and leaves all others", () => {
  const codes = [-32002, -32042, -32001, -32601, -32021, -1];
  const told = codes.map((code) => modernError({ code, message: "m", data: { a: 1 } }));
  assert.deepEqual(told.map(({ code }) => code), [-32602, -32602, ...codes.slice(2)]);
  for (const { message, data } of told) assert.deepEqual([message, data], ["m", { a: 1 }]);
});

Deno.test("isModernError takes none for modern that a server of a revision before may have", () => {
  const message = "m";
  for (const code of [-32020, -32021, -32022]) assert(isModernError({ code, message }));
  for (
    const code of [-32700, -32600, -32601, -32602, -32603, -32000, -32001, -32002, -32042, -32019, -32023]
  ) {
    assert(!isModernError({ code, message }), `${code}`);
  }
});
