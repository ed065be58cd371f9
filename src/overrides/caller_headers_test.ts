import assert from "node:assert/strict";
import { Caller } from "../core/caller.ts";
import { RequestError } from "../core/errors.ts";
import type { Route } from "../frontends/mod.ts";
import { callerLaunch, withCallerHeaders } from "./caller_headers.ts";
import type { CallerSettings } from "./options.ts";

const MAPPED: CallerSettings = {
  headerToEnv: [
    { header: "x-github-token", target: "GITHUB_TOKEN" },
    { header: "x-mode", target: "MODE" },
  ],
  headerToHeader: [{ header: "authorization", target: "Authorization" }],
};
const NONE: CallerSettings = { headerToEnv: [], headerToHeader: [] };

function launchOf(headers: Record<string, string>) {
  return callerLaunch(MAPPED)?.(new Headers(headers));
}

Deno.test("callerLaunch gives what the caller brings of what is named, and nothing else", () => {
  assert.deepEqual(launchOf({ "X-GitHub-Token": "t", Authorization: "Bearer b", Cookie: "c" }), {
    args: [],
    env: { GITHUB_TOKEN: "t" },
    headers: { authorization: "Bearer b" },
  });
  assert.deepEqual(launchOf({ "X-Mode": "" }), { args: [], env: { MODE: "" }, headers: {} });
  assert.equal(launchOf({ Cookie: "c" }), undefined);
  assert.equal(callerLaunch(NONE), undefined);
});

Deno.test("callerLaunch refuses a value that is too long or not plain, and does not tell it", () => {
  for (const value of ["s3cret".repeat(1_400), "s3cret\x01", "s3cret\x7f", "a\ts3cret", "s3cr\xe9t"]) {
    assert.throws(() => launchOf({ "X-Mode": value }), (error) => {
      assert(error instanceof RequestError);
      assert.equal(error.status, 400);
      assert.match(error.message, /header x-mode (is longer than 8192 characters|has a character that)/);
      assert.doesNotMatch(error.message, /s3cr/);
      return true;
    });
  }
  assert.equal(launchOf({ "X-Mode": "x".repeat(8_192) })?.env.MODE?.length, 8_192);
});

Deno.test("withCallerHeaders brings it along on every route, upgrades too, and leaves the routes alone where nothing is named", async () => {
  const brought: unknown[] = [];
  const routes: Route[] = [
    { path: "/mcp", http: (_, caller) => (brought.push(caller.launch?.env), new Response()) },
    { path: "/ws", upgrade: (_, caller) => (brought.push(caller.launch?.env), Promise.reject(new Error())) },
  ];
  assert.equal(withCallerHeaders(routes, NONE), routes);
  const caller = () => new Caller({ address: undefined, drop() {} });
  const request = new Request("http://localhost/", { headers: { "X-Mode": "m" } });
  for (const route of withCallerHeaders(routes, MAPPED)) {
    if ("http" in route) await route.http(request, caller());
    else await assert.rejects(route.upgrade(request, caller()));
  }
  assert.deepEqual(brought, [{ MODE: "m" }, { MODE: "m" }]);
});

Deno.test("withCallerHeaders keeps whatever else a route says, such as that it answers below its path", () => {
  const route = { path: "/sse", http: () => new Response(), below: "{session}", owns: () => true } as const;
  const [kept] = withCallerHeaders([route], MAPPED);
  assert.deepEqual({ ...kept, http: route.http }, route);
});
