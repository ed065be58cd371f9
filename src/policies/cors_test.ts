import assert from "node:assert/strict";
import { RequestError } from "../core/errors.ts";
import { behind, type Next } from "../core/http_policy.ts";
import { nobody } from "../../tests/support/nobody.ts";
import { corsHeaders, type CorsOrigins, preflights } from "./cors.ts";
import { finishAnswers } from "./answers.ts";

const APP = "https://app.example";

function app(origins: CorsOrigins): Next<Response> {
  const policies = [corsHeaders(origins), finishAnswers(() => {}), preflights(origins)];
  return behind<Response>(policies, ({ url }) => {
    if (url.endsWith("/mcp")) return Promise.resolve(new Response("done"));
    if (url.endsWith("/broken")) throw new Error("broken");
    throw new RequestError("Not found", { status: 404 });
  });
}

async function ask(origins: CorsOrigins, path: string, init: RequestInit): Promise<Response> {
  return await app(origins)(new Request(`http://127.0.0.1${path}`, init), nobody());
}

function preflight(origin: string): RequestInit {
  const headers = {
    Origin: origin,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,mcp-session-id",
  };
  return { method: "OPTIONS", headers };
}

function allowed(response: Response): string | null {
  return response.headers.get("Access-Control-Allow-Origin");
}

Deno.test("corsHeaders answers a preflight with the methods and headers that MCP needs", async () => {
  const { status, headers } = await ask([APP], "/mcp", preflight(APP));
  assert.equal(status, 204);
  assert.equal(headers.get("Access-Control-Allow-Origin"), APP);
  assert.equal(headers.get("Access-Control-Allow-Methods"), "GET,POST,DELETE,OPTIONS");
  assert.equal(headers.get("Access-Control-Allow-Headers"), "content-type,mcp-session-id");
  assert.match(headers.get("Vary") ?? "", /Origin/);
});

Deno.test("corsHeaders lets a page read an answer and its session id", async () => {
  const response = await ask([APP], "/mcp", { method: "POST", headers: { Origin: APP } });
  assert.equal(await response.text(), "done");
  assert.equal(allowed(response), APP);
  const exposed = response.headers.get("Access-Control-Expose-Headers");
  assert.equal(
    exposed,
    "Mcp-Session-Id,MCP-Protocol-Version,WWW-Authenticate,Retry-After,RateLimit,RateLimit-Policy",
  );
  assert.match(response.headers.get("Vary") ?? "", /Origin/);
});

Deno.test("corsHeaders lets a page read errors too", async () => {
  for (const [path, status] of [["/broken", 500], ["/nowhere", 404]] as const) {
    const response = await ask([APP], path, { method: "POST", headers: { Origin: APP } });
    assert.equal(response.status, status);
    assert.equal(allowed(response), APP);
  }
});

Deno.test("corsHeaders names only the origin that asks, by value or by pattern", async () => {
  const origins = [APP, /^https:\/\/\w+\.pages\.example$/];
  for (const origin of [APP, "https://one.pages.example", "https://two.pages.example"]) {
    assert.equal(allowed(await ask(origins, "/mcp", preflight(origin))), origin);
  }
});

Deno.test("corsHeaders gives a foreign origin nothing", async () => {
  for (
    const origin of ["https://evil.example", "https://app.example.evil.example", "http://app.example", "null"]
  ) {
    assert.equal(allowed(await ask([APP], "/mcp", preflight(origin))), null, origin);
    const post = { method: "POST", headers: { Origin: origin } };
    assert.equal(allowed(await ask([APP], "/mcp", post)), null, origin);
  }
});

Deno.test("corsHeaders allows every origin by * alone, and never with credentials", async () => {
  const response = await ask("*", "/mcp", preflight("https://anyone.example"));
  assert.equal(allowed(response), "*");
  assert.equal(response.headers.get("Access-Control-Allow-Credentials"), null);
});

Deno.test("corsHeaders leaves the answer to who names no origin as it is", () => {
  const given = new Response("done");
  const asked = behind<Response>([corsHeaders("*")], () => given)(
    new Request("http://127.0.0.1/mcp"),
    nobody(),
  );
  assert.equal(asked, given);
  assert.equal(allowed(given), null);
});
