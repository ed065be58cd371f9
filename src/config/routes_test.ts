import assert from "node:assert/strict";
import { parsedOptions } from "../../tests/support/config.ts";
import { ConfigError } from "../core/errors.ts";
import { NETWORK_TRANSPORTS, type Transport } from "../frontends/options.ts";
import type { RawOptions } from "./options.ts";
import { configError } from "./problem.ts";
import { sharedRoutes } from "./routes.ts";

function check(raw: RawOptions, transports: readonly Transport[] = NETWORK_TRANSPORTS): void {
  const problems = sharedRoutes(parsedOptions(raw), { transports, prefix: "" });
  if (problems.length > 0) throw configError(problems);
}

Deno.test("sharedRoutes names both flags that name one path", () => {
  const cases: [RawOptions, string, string][] = [
    [{ ssePath: "/mcp" }, "--ssePath", "--streamableHttpPath"],
    [{ streamableHttpPath: "/sse" }, "--ssePath", "--streamableHttpPath"],
    [{ messagePath: "/mcp" }, "--messagePath", "--streamableHttpPath"],
    [{ healthEndpoint: ["/ok", "/mcp"] }, "--healthEndpoint", "--streamableHttpPath"],
    [{ healthEndpoint: ["/sse"] }, "--healthEndpoint", "--ssePath"],
    [{ ssePath: "/x", messagePath: "/x" }, "--messagePath", "--ssePath"],
    [{ ssePath: "/health" }, "--ssePath", "the health report"],
    [{ streamableHttpPath: "/health" }, "--streamableHttpPath", "the health report"],
  ];
  for (const [raw, flag, other] of cases) {
    assert.throws(() => check(raw), (error: unknown) => {
      assert(error instanceof ConfigError);
      assert(error.message.startsWith(`${flag} "/`), error.message);
      assert(error.message.includes(`taken by ${other}; `), error.message);
      return true;
    });
  }
});

Deno.test("sharedRoutes lets the WebSocket path be any path", () => {
  for (const wsPath of ["/mcp", "/sse", "/message", "/health"]) check({ wsPath });
});

Deno.test("sharedRoutes lets a health endpoint take the place of the health report", () => {
  check({ healthEndpoint: ["/health", "/health"] });
});

Deno.test("sharedRoutes looks only at what is served", () => {
  check({ ssePath: "/mcp", messagePath: "/mcp" }, ["streamableHttp", "ws"]);
  check({ ssePath: "/mcp" }, ["sse"]);
});
