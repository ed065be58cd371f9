import assert from "node:assert/strict";
import {
  BackendError,
  BusyError,
  ConfigError,
  DisconnectedError,
  errorForRequest,
  GatewayError,
  RequestError,
  RpcCode,
  StoppingError,
  TimeoutError,
  TooLargeError,
  toResponse,
  toRpcError,
} from "./errors.ts";

Deno.test("errors carry the name, status and code that somebody decides by", () => {
  const cases: [GatewayError, name: string, status: number, code: number][] = [
    [new GatewayError("m"), "GatewayError", 500, -32603],
    [new RequestError("m"), "RequestError", 400, -32000],
    [new RequestError("m", { status: 404, code: RpcCode.sessionNotFound }), "RequestError", 404, -32001],
    [new BusyError("m"), "BusyError", 503, -32000],
    [new TooLargeError("m"), "TooLargeError", 413, -32000],
    [new StoppingError(), "StoppingError", 503, -32000],
    [new BackendError("m"), "BackendError", 502, -32603],
    [new TimeoutError("m"), "TimeoutError", 504, -32001],
    [new DisconnectedError("m"), "DisconnectedError", 502, -32603],
    [new ConfigError("m"), "ConfigError", 500, -32603],
  ];
  for (const [error, name, status, code] of cases) {
    assert.deepEqual([error.name, error.status, error.code], [name, status, code]);
    assert(error instanceof Error);
  }
});

Deno.test("GatewayError keeps its cause and tells it to no client", () => {
  const cause = new Error("/home/secret");
  const error = new BackendError("The server failed", { cause });
  assert.equal(error.cause, cause);
  assert.deepEqual(toRpcError(error), { code: RpcCode.internalError, message: "The server failed" });
});

Deno.test("toRpcError shows nothing of an error that was not written for clients", () => {
  for (const error of [new TypeError("at /home/secret:1"), "secret", undefined, { message: "secret" }]) {
    assert.deepEqual(toRpcError(error), { code: -32603, message: "Internal error" });
  }
});

Deno.test("toResponse answers with status, headers and a JSON-RPC body without an id", async () => {
  const error = new RequestError("Method not allowed", { status: 405, headers: { Allow: "GET, POST" } });
  const response = toResponse(error);
  assert.equal(response.status, 405);
  assert.equal(response.headers.get("Allow"), "GET, POST");
  assert.equal(response.headers.get("Content-Type"), "application/json");
  const body = { jsonrpc: "2.0", error: { code: -32000, message: "Method not allowed" }, id: null };
  assert.deepEqual(await response.json(), body);
});

Deno.test("toResponse names the refused request once its id is known, 0 included", async () => {
  for (const id of [0, "a"]) {
    const response = toResponse(errorForRequest(new BusyError("Too many sessions"), id));
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("Retry-After"), "5");
    assert.equal((await response.json()).id, id);
  }
});

Deno.test("toResponse answers an unknown error with 500 and no detail", async () => {
  const response = toResponse(new TypeError("at /home/secret:1"));
  assert.equal(response.status, 500);
  assert.deepEqual(await response.json(), {
    jsonrpc: "2.0",
    error: { code: -32603, message: "Internal error" },
    id: null,
  });
});
