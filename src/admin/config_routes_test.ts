import assert from "node:assert/strict";
import { Caller } from "../core/caller.ts";
import { ConflictError } from "../core/errors.ts";
import { configRoutes } from "./config_routes.ts";
import type { ReloadOutcome } from "./target.ts";

function rig(outcome: ReloadOutcome) {
  const asked: unknown[][] = [];
  const routes = configRoutes({
    config: () => Promise.resolve({ value: { log: {} }, etag: '"e-0"' }),
    changeConfig(change, ifMatch) {
      if (ifMatch === '"old"') throw new ConflictError("It was changed", { headers: { ETag: '"e-1"' } });
      asked.push([change, ifMatch]);
      return Promise.resolve({ outcome, names: ["log.level"], etag: '"e-1"' });
    },
  });
  routes.onError((error) => {
    throw error;
  });
  const call = (body: string, headers: Record<string, string> = {}) => {
    const request = new Request("http://127.0.0.1/", { method: "PATCH", body, headers });
    return routes.fetch(request, { caller: new Caller({ address: "127.0.0.1", drop: () => {} }) });
  };
  return { routes, call, asked };
}

Deno.test("configRoutes tells the configuration and its version", async () => {
  const response = await rig({ kind: "applied" }).routes.request("/");
  assert.deepEqual([response.headers.get("etag"), await response.json()], ['"e-0"', { log: {} }]);
});

Deno.test("configRoutes hands a change on with the version that it is based on", async () => {
  const { call, asked } = rig({ kind: "applied" });
  const response = await call('{"log":{"level":null}}', { "If-Match": '"e-0"' });
  assert.deepEqual([response.status, response.headers.get("etag")], [200, '"e-1"']);
  assert.deepEqual(await response.json(), { kind: "applied" });
  assert.deepEqual(asked, [[{ log: { level: null } }, '"e-0"']]);
});

Deno.test("configRoutes answers 422 for what is refused, and 400 for what is no table", async () => {
  const { call, asked } = rig({ kind: "refused" });
  assert.equal((await call("{}")).status, 422);
  await assert.rejects(async () => await call("[1]"), /The body is no table: expected an object shaped/);
  await assert.rejects(async () => await call("{"), /The body is no JSON: expected an object shaped/);
  await assert.rejects(async () => await call("{}", { "If-Match": '"old"' }), ConflictError);
  assert.equal(asked.length, 1);
});
