import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { NETWORK_TRANSPORTS, options, type RawOptions, type Transport } from "./options.ts";
import { refuseSharedRoutes } from "./routes.ts";

function check(raw: RawOptions, transports: readonly Transport[] = NETWORK_TRANSPORTS): void {
  refuseSharedRoutes(options.parse(raw), transports);
}

Deno.test("refuseSharedRoutes names both flags that name one path", () => {
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

Deno.test("refuseSharedRoutes lets the WebSocket path be any path", () => {
  for (const wsPath of ["/mcp", "/sse", "/message", "/health"]) check({ wsPath });
});

Deno.test("refuseSharedRoutes lets a health endpoint take the place of the health report", () => {
  check({ healthEndpoint: ["/health", "/health"] });
});

Deno.test("refuseSharedRoutes looks only at what is served", () => {
  check({ ssePath: "/mcp", messagePath: "/mcp" }, ["streamableHttp", "ws"]);
  check({ ssePath: "/mcp" }, ["sse"]);
});
