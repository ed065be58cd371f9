import assert from "node:assert/strict";
import type { Params } from "../../core/message/jsonrpc.ts";
import { INITIALIZED, sharedServerRig } from "../../../tests/support/shared_server_rig.ts";
import { request, result } from "../../../tests/support/messages.ts";
import { initializeResult, methodRefusal } from "./shared_capabilities.ts";
import type { ClientKind } from "./shared_client.ts";

const FULL = {
  protocolVersion: "2025-11-25",
  capabilities: {
    logging: {},
    completions: {},
    prompts: { listChanged: true },
    resources: { subscribe: true, listChanged: true, future: 1 },
    tools: { listChanged: true },
    tasks: { list: {}, cancel: {} },
    experimental: { x: { subscribe: true } },
  },
  serverInfo: { name: "full", version: "1" },
};

const told = (initialized: Params, kind: ClientKind) =>
  initializeResult(initialized, { kind, asked: undefined, versions: [] });

Deno.test("initializeResult tells a session all but tasks", () => {
  const { tasks: _, ...capabilities } = FULL.capabilities;
  assert.deepEqual(told(FULL, "session"), { ...FULL, capabilities });
});

Deno.test("initializeResult tells a request that stands alone nothing that needs a conversation", () => {
  assert.deepEqual(told(FULL, "request"), {
    ...FULL,
    capabilities: {
      completions: {},
      prompts: {},
      resources: { future: 1 },
      tools: {},
      experimental: { x: { subscribe: true } },
    },
  });
});

Deno.test("initializeResult tells who is alone with a server of its log as well, and not of what comes later", () => {
  const { logging } = FULL.capabilities;
  assert.notEqual(logging, undefined);
  const { capabilities } = told(FULL, "request");
  assert.deepEqual(told(FULL, "alone").capabilities, { ...Object(capabilities), logging });
});

Deno.test("initializeResult leaves a server alone that declares nothing, or nonsense", () => {
  for (const capabilities of [undefined, null, 1, [], { tools: null, resources: true, logging2: [1] }]) {
    for (const kind of ["session", "request", "alone"] as const) {
      assert.deepEqual(told({ ...FULL, capabilities }, kind).capabilities, capabilities);
    }
  }
  assert.deepEqual(told({}, "request"), {});
});

Deno.test("methodRefusal refuses tasks to everybody, and what needs a session to a single request", () => {
  for (const kind of ["session", "request"] as const) {
    for (const method of ["tasks/get", "tasks/list", "tasks/result", "tasks/cancel", "tasks/future"]) {
      assert.equal(methodRefusal(method, kind)?.code, -32601);
      assert.match(methodRefusal(method, kind)?.message ?? "", new RegExp(`"${method}".*shared server`));
    }
    for (const method of ["tools/call", "resources/read", "tasks", "ping", "future/method"]) {
      assert.equal(methodRefusal(method, kind), undefined);
    }
  }
  for (const method of ["resources/subscribe", "resources/unsubscribe", "logging/setLevel"]) {
    assert.equal(methodRefusal(method, "session"), undefined);
    assert.equal(methodRefusal(method, "alone"), undefined);
    assert.equal(methodRefusal(method, "request")?.code, -32601);
    assert.match(methodRefusal(method, "request")?.message ?? "", /needs a session.*--stateful/);
  }
  assert.match(methodRefusal("tasks/list", "alone")?.message ?? "", /needs a session.*--stateful/);
});

Deno.test("methodRefusal says what it refuses cut and escaped", () => {
  const evil = `\u202e\u001b[2J"${"x".repeat(1_000)}`;
  for (const start of ["tasks/", "notifications/"]) {
    const { message = "" } = methodRefusal(start + evil, "session") ?? {};
    assert.match(message, /\\u202e\\u001b\[2J\\"xx+…"/);
    assert(message.length < 300 && !/[\p{Cc}\p{Cf}]/u.test(message), message);
  }
});

Deno.test("SharedServer tells each kind of client what it can have, and refuses the rest without the server", async () => {
  const { server, join } = sharedServerRig({
    initialized: { message: result(0, { ...INITIALIZED, capabilities: FULL.capabilities }) },
  });
  for (const kind of ["session", "request"] as const) {
    const client = join(kind);
    client.say(request(1, "initialize"));
    const message = await client.hear();
    assert("result" in message);
    const { capabilities } = told(FULL, kind);
    assert.deepEqual(message.result, { ...INITIALIZED, capabilities });
    client.say(request("t", "tasks/list"), request("r", "resources/read", { uri: "a:b" }));
    const refused = await client.hear();
    assert("error" in refused);
    assert.deepEqual([refused.id, refused.error], ["t", methodRefusal("tasks/list", kind)]);
    const passed = await server.hear();
    assert("method" in passed && passed.method === "resources/read");
  }
});

Deno.test("SharedServer passes a tool call on without the task that it asks for", async () => {
  const { server, join } = sharedServerRig();
  const client = join();
  const rest = { name: "x", arguments: { task: 1 }, _meta: { progressToken: "t" } };
  client.say(request(1, "tools/call", { ...rest, task: { ttl: 1 } }), request(2, "future/call", { task: 1 }));
  const [call, other] = [await server.hear(), await server.hear()];
  assert("method" in call && "method" in other);
  const { _meta, ...params } = call.params ?? {};
  assert.deepEqual(params, { name: "x", arguments: { task: 1 } });
  assert.notEqual(_meta, undefined);
  assert.deepEqual(other.params, { task: 1 });
});
