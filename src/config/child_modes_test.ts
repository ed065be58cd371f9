import assert from "node:assert/strict";
import { childMode, scopesServed } from "./child_modes.ts";

Deno.test("scopesServed knows who may come, and childMode which child answers them", () => {
  const modes = (
    transports: ("streamableHttp" | "sse" | "stdio")[],
    stateful: boolean,
    children: "auto" | "request",
  ) => scopesServed({ transports, stateful }).map((scope) => childMode({ children }, scope));
  assert.deepEqual(modes(["streamableHttp"], false, "auto"), ["principal"]);
  assert.deepEqual(modes(["streamableHttp"], true, "auto"), ["session"]);
  assert.deepEqual(modes(["streamableHttp", "sse"], false, "auto"), ["principal", "session"]);
  assert.deepEqual(modes(["stdio"], false, "auto"), ["session"]);
  assert.deepEqual(modes(["streamableHttp", "sse"], false, "request"), ["request", "request"]);
  assert.deepEqual(childMode({ children: "session" }, "request"), "request");
});
