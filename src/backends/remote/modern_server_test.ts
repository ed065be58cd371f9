/** Channels to a server of the v2 SDK, which refuses what is not as the specification has it. */
import assert from "node:assert/strict";
import { LAUNCH } from "../../../tests/support/fake_backend.ts";
import { FarEnd } from "../../../tests/support/far_end.ts";
import { remoteOptions } from "../../../tests/support/loopback.ts";
import { cancelled, notification, request } from "../../../tests/support/messages.ts";
import { MODERN, modern } from "../../../tests/support/modern_rig.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import type { AnyMessage } from "../../../tests/support/rpc.ts";
import { sdkRemote } from "../../../tests/support/sdk_remote.ts";
import { REMOTE_BACKENDS } from "../mod.ts";

const WHOM = { "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } } };

/** A client of such a server. */
async function rig(
  { kind = "streamableHttp" as "streamableHttp" | "detect", launch = MODERN, legacy = false } = {},
) {
  const server = sdkRemote({ legacy });
  const record = recorder();
  const backend = REMOTE_BACKENDS[kind](remoteOptions(server.url, { emit: record.emit }));
  const channel = await backend.open(launch, new AbortController().signal);
  const client = new FarEnd(channel);
  return {
    server,
    channel,
    client,
    found: () => record.told("server.detected").map(({ wire }) => wire),
    async ask(id: number, method: string, params: Record<string, unknown> = {}): Promise<AnyMessage> {
      client.say(modern(id, method, params));
      return await client.hear();
    },
    async [Symbol.asyncDispose]() {
      await channel[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

Deno.test("modern is understood by a server of the v2 SDK: what it asks, and what it calls", async () => {
  await using it = await rig();
  const discovered = await it.ask(1, "server/discover");
  assert.deepEqual(discovered.result.supportedVersions, ["2026-07-28"]);
  // The tools were not listed yet.
  const args = { region: " Zürich", limit: { rows: 3 } };
  const called = await it.ask(2, "tools/call", { name: "sql", arguments: args });
  assert.deepEqual(called.result.content, [{ type: "text", text: " Zürich" }]);
  const { result } = await it.ask(3, "tools/list");
  assert.deepEqual(result.tools.map(({ name }: AnyMessage) => name), ["sql", "wait", "ask"]);
  assert.equal((await it.ask(4, "nope")).error.code, -32601);
  const _meta = { "io.modelcontextprotocol/protocolVersion": "2099-01-01" };
  const refused = await it.ask(5, "tools/list", { _meta });
  assert.deepEqual([refused.error.code, refused.error.data.supported], [-32022, ["2026-07-28"]]);
  assert.deepEqual(new Set(it.server.asked.map(({ method }) => method)), new Set(["POST"]));
});

Deno.test("modern is asked for more by a server of the v2 SDK, and answers with the call again", async () => {
  await using it = await rig();
  const call = { name: "ask", arguments: {}, _meta: WHOM };
  const { result } = await it.ask(1, "tools/call", call);
  assert.deepEqual([result.resultType, Object.keys(result.inputRequests)], ["input_required", ["name"]]);
  const inputResponses = { name: { action: "accept", content: { name: "Ada" } } };
  const answered = await it.ask(2, "tools/call", { ...call, inputResponses });
  assert.deepEqual(answered.result.content, [{ type: "text", text: "Ada" }]);
});

Deno.test("modern cancels a call at a server of the v2 SDK, and ends what it listens to", async () => {
  await using it = await rig();
  it.client.say(modern(1, "tools/call", { name: "wait", arguments: {}, _meta: { progressToken: "p" } }));
  const heard = await it.client.next();
  assert.deepEqual(heard.relatesTo, 1);
  await it.channel.send({ message: cancelled(1) });
  await it.server.cancelled;
  it.client.say(modern("l", "subscriptions/listen", { notifications: { toolsListChanged: true } }));
  const acknowledged: AnyMessage = await it.client.hear();
  assert.equal(acknowledged.method, "notifications/subscriptions/acknowledged");
  it.server.changeTools();
  const changed = await it.client.next();
  const { method } = changed.message as AnyMessage;
  assert.deepEqual([method, changed.relatesTo], ["notifications/tools/list_changed", "l"]);
  await it.channel.send({ message: cancelled("l") });
});

Deno.test("detectBackend knows a server that has no handshake by how it refuses one: it speaks Streamable HTTP", async () => {
  await using it = await rig({ kind: "detect", launch: LAUNCH });
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "c", version: "1" } };
  it.client.say(request(1, "initialize", params));
  const { message, undelivered } = await it.client.next();
  const { error } = message as AnyMessage;
  assert.deepEqual([error.code, error.data.supported, undelivered], [-32022, ["2026-07-28"], undefined]);
  assert.deepEqual(it.found(), ["streamableHttp"]);
  assert.deepEqual(it.server.asked.map(({ method }) => method), ["POST"]);
});

Deno.test("detectBackend speaks to a server of both eras as it is told to", async () => {
  await using it = await rig({ kind: "detect", legacy: true });
  const discovered = await it.ask(1, "server/discover");
  assert.deepEqual(discovered.result.supportedVersions, ["2026-07-28"]);
  await using old = await rig({ kind: "detect", legacy: true, launch: LAUNCH });
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "c", version: "1" } };
  old.client.say(request(1, "initialize", params), notification("notifications/initialized"));
  const { result }: AnyMessage = await old.client.hear();
  assert.equal(result.protocolVersion, "2025-11-25");
  assert.deepEqual(old.found(), ["streamableHttp"]);
});
