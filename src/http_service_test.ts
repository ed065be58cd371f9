import assert from "node:assert/strict";
import { RequestError } from "./core/errors.ts";
import type { GatewayEvent } from "./core/events.ts";
import type { HttpPolicy } from "./core/http_policy.ts";
import type { Route } from "./frontends/frontend.ts";
import { httpService } from "./http_service.ts";
import { finishAnswers } from "./policies/answers.ts";
import { nobody } from "../tests/support/nobody.ts";
import { upgradeRequest } from "../tests/support/raw_http.ts";

const UPGRADE = { headers: {}, run: () => Promise.resolve(), withdraw: () => {} };
const upgrade = () => Promise.resolve(UPGRADE);
const ROUTES: readonly Route[] = [
  { path: "/mcp", http: () => Promise.resolve(new Response("answered")) },
  { path: "/ws", upgrade },
];

function rig(policies: readonly HttpPolicy[] = []) {
  const events: GatewayEvent[] = [];
  const emit = (event: GatewayEvent) => void events.push(event);
  return { events, service: httpService({ routes: ROUTES, policies: [finishAnswers(emit), ...policies] }) };
}

const plain = (path = "/mcp") => new Request(`http://127.0.0.1${path}`);
const socket = (path = "/ws") =>
  new Request(`http://127.0.0.1${path}`, { headers: { ...upgradeRequest(path).headers } });

Deno.test("httpService has one policy see requests and upgrades alike, and refuse both", async () => {
  const seen: string[] = [];
  let closed = false;
  const policy: HttpPolicy = (request, caller, next) => {
    seen.push(new URL(request.url).pathname);
    if (closed) throw new RequestError("Closed", { status: 403 });
    return next(request, caller);
  };
  const { service, events } = rig([policy]);
  const both = async () =>
    await Promise.all([service.request(plain(), nobody()), service.upgrade(socket(), nobody())]);
  const [answer, taken] = await both();
  assert.equal(await answer.text(), "answered");
  assert.equal(taken, UPGRADE);
  closed = true;
  for (const refused of await both()) {
    assert(refused instanceof Response);
    assert.equal(refused.status, 403);
    assert.equal((await refused.json()).error.message, "Closed");
  }
  assert.deepEqual(seen, ["/mcp", "/ws", "/mcp", "/ws"]);
  assert.deepEqual(events.map(({ type }) => type), ["http.refused", "http.refused"]);
});

Deno.test("httpService makes an answer of what a policy or a route throws or rejects with, and tells of it", async () => {
  const failing: readonly HttpPolicy[] = [
    () => {
      throw new RequestError("now");
    },
    () => Promise.reject(new RequestError("later")),
    (request, caller, next) => {
      void next(request, caller);
      return next(request, caller);
    },
  ];
  for (const [policy, status] of failing.map((policy, index) => [policy, index < 2 ? 400 : 500] as const)) {
    const { service, events } = rig([policy]);
    assert.equal((await service.request(plain(), nobody())).status, status);
    const refused = await service.upgrade(socket(), nobody());
    assert(refused instanceof Response);
    assert.equal(refused.status, status);
    assert.equal(events.filter(({ type }) => type === "http.refused").length, 2);
  }
});

Deno.test("httpService takes no upgrade where none is served, and says what a path is for", async () => {
  const { service } = rig();
  assert.equal(service.upgrade(socket("/mcp"), nobody()), undefined);
  assert.equal(service.upgrade(plain("/ws"), nobody()), undefined);
  assert.equal((await service.request(plain("/ws"), nobody())).status, 426);
  assert.equal((await service.request(plain("/elsewhere"), nobody())).status, 404);
  assert.equal((await service.request(socket("/mcp"), nobody())).status, 200);
});

Deno.test("httpService takes the first of two answers on one path, with or without a slash at the end", async () => {
  const answering = (text: string, path = "/mcp") => ({ path, http: () => new Response(text) });
  const routes = [answering("first"), answering("second", "/mcp/"), { path: "/mcp", upgrade }];
  const service = httpService({ routes, policies: [] });
  for (const path of ["/mcp", "/mcp/"]) {
    assert.equal(await (await service.request(plain(path), nobody())).text(), "first");
    assert.equal(await service.upgrade(socket(path), nobody()), UPGRADE);
  }
});

Deno.test("httpService has a path that a client has made up for a secret, whoever refuses it", async () => {
  const events: GatewayEvent[] = [];
  const closed: HttpPolicy = () => {
    throw new RequestError("Closed", { status: 403 });
  };
  const route: Route = {
    path: "/sse",
    http: () => Promise.resolve(new Response("told")),
    below: "{session}",
  };
  const policies = [finishAnswers((event) => void events.push(event))];
  const open = httpService({ routes: [route], policies });
  const answer = await open.request(plain("/sse/my-secret"), nobody());
  assert.equal(await answer.text(), "told");
  for (const path of ["/sse/my-secret/more", "/other/my-secret"]) {
    assert.equal((await open.request(plain(path), nobody())).status, 404);
  }
  await httpService({ routes: [route], policies: [...policies, closed] }).request(
    plain("/sse/my-secret"),
    nobody(),
  );
  const routes = events.map((event) => event.type === "http.refused" && event.route);
  assert.deepEqual(routes, ["/sse/my-secret/more", "/other/my-secret", "/sse/{session}"]);
});

Deno.test("httpService has the first of two routes on a path answer, but for who names a session of the other one", async () => {
  const handler = (text: string) => () => Promise.resolve(new Response(text));
  const owns = (request: Request) => request.headers.get("session") === "old";
  const routes: Route[] = [
    { path: "/mcp", http: handler("new") },
    { path: "/mcp", http: handler("old"), owns },
    { path: "/mcp", http: handler("none") },
  ];
  const service = httpService({ routes, policies: [] });
  const said = async (headers: HeadersInit) =>
    await (await service.request(new Request("http://127.0.0.1/mcp", { headers }), nobody())).text();
  assert.deepEqual([await said({}), await said({ session: "old" }), await said({ session: "x" })], [
    "new",
    "old",
    "new",
  ]);
});
