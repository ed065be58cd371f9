import assert from "node:assert/strict";
import { nobody } from "../../tests/support/nobody.ts";
import { Credentials } from "./credentials.ts";

function offering(protocols: string, more: Record<string, string> = {}) {
  const headers = { "Sec-WebSocket-Protocol": protocols, ...more };
  const request = new Request("http://127.0.0.1/ws", { headers });
  const credentials = new Credentials(request, nobody(), { apiKeyInQuery: false });
  return [credentials.any, credentials.of("bearer")];
}

Deno.test("Credentials reads a token among the protocols of a WebSocket", () => {
  for (const protocols of ["bearer.t0k~en", "mcp, bearer.t0k~en", "bearer.t0k~en ,mcp"]) {
    assert.deepEqual(offering(protocols), [true, "t0k~en"], protocols);
  }
  for (const protocols of ["mcp", "mcp, xbearer.t", "bearer"]) {
    assert.deepEqual(offering(protocols), [false, undefined], protocols);
  }
});

Deno.test("Credentials has nothing of one that is too long, and says that there is one", () => {
  const of = (headers: Record<string, string>) => {
    const request = new Request("http://127.0.0.1/mcp", { headers });
    const credentials = new Credentials(request, nobody(), { apiKeyInQuery: false });
    return [credentials.any, credentials.apiKey, credentials.of("bearer"), credentials.tooLarge];
  };
  const long = "x".repeat(20_000);
  assert.deepEqual(of({ "X-API-Key": long }), [true, undefined, undefined, true]);
  assert.deepEqual(of({ Authorization: `Bearer ${long}` }), [true, undefined, undefined, true]);
  assert.deepEqual(of({ "X-API-Key": "k", Authorization: `Bearer ${long}` }), [true, "k", undefined, false]);
  assert.deepEqual(of({ "X-API-Key": "k", Authorization: "bearer t" }), [true, "k", "t", false]);
  assert.deepEqual(of({ "X-API-Key": long, Authorization: "Bearer t" }), [true, undefined, "t", false]);
  assert.deepEqual(of({ "X-API-Key": long, Authorization: `Bearer ${long}` }), [
    ...[true, undefined, undefined, true],
  ]);
  assert.deepEqual(of({}), [false, undefined, undefined, false]);
});

Deno.test("Credentials takes what can be no token among the protocols for credentials that do not count", () => {
  for (const token of ["wrong=", "", "a b", "a/b", '"a"', "a;b"]) {
    for (
      const protocols of [`mcp, bearer.${token}`, `bearer.${token}, mcp`, `bearer.${token},bearer.right`]
    ) {
      assert.deepEqual(offering(protocols), [true, undefined], protocols);
    }
  }
});

Deno.test("Credentials reads what follows the scheme, whatever its case, and nothing else", () => {
  const bearer = (Authorization: string) => {
    const request = new Request("http://127.0.0.1/mcp", { headers: { Authorization } });
    return new Credentials(request, nobody(), { apiKeyInQuery: false }).of("bearer");
  };
  for (const text of ["Bearer t", "bearer t", "BEARER t", "Bearer    t", "Bearer t "]) {
    assert.equal(bearer(text), "t", text);
  }
  assert.equal(bearer("Bearer t u"), "t u");
  for (
    const text of [
      "Bearer",
      "Bearer ",
      "Bearert",
      "Bearer\tt",
      "Basic t",
      "t Bearer t",
      "Bearer \tt",
      "Bearer t\u00a0",
      "Bearer \u00a0t",
      "Bearer,t u",
      "",
    ]
  ) {
    assert.equal(bearer(text), undefined, text);
  }
});
