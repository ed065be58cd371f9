import assert from "node:assert/strict";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../../tests/support/messages.ts";
import { type Channel, type Envelope, memoryChannels } from "../../core/channel.ts";
import { BackendError, BusyError, DisconnectedError } from "../../core/errors.ts";
import {
  isRequest,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { type ProbedEra, probeEra } from "./probe_era.ts";

const clientInfo = { name: "keystone", version: "1.0.0" };
const DISCOVERED = {
  resultType: "complete",
  supportedVersions: ["2026-07-28"],
  capabilities: { tools: {} },
};

function probe(timeoutMs = 60_000) {
  const [server, serverEnd] = memoryChannels();
  return {
    server: new FarEnd(server),
    serverEnd,
    wire: server,
    done: probeEra(serverEnd, { clientInfo, timeoutMs }),
  };
}

async function asked(server: FarEnd): Promise<JsonRpcRequest> {
  const message = await server.hear();
  assert(isRequest(message));
  return message;
}

/** What comes of this answer. */
async function afterAnswer(answer: (id: RequestId) => JsonRpcMessage): Promise<ProbedEra> {
  const { server, done } = probe();
  server.say(answer((await asked(server)).id));
  return await done;
}

function unsupported(supported: unknown): (id: RequestId) => JsonRpcMessage {
  return (id) => ({ jsonrpc: "2.0", id, error: { code: -32022, message: "no", data: { supported } } });
}

Deno.test("probeEra asks server/discover, with all that a request has to say of itself", async () => {
  const { server, done } = probe();
  const message = await asked(server);
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": clientInfo,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  assert.deepEqual(message, request(message.id, "server/discover", { _meta: meta }));
  assert(Number.isInteger(message.id) && Number(message.id) > 0 && Number(message.id) < 2 ** 31);
  server.say(result(message.id, DISCOVERED));
  assert.deepEqual(await done, { found: "modern" });
});

Deno.test("probeEra finds by a result which eras the server speaks", async () => {
  const cases: [supportedVersions: unknown, found: string][] = [
    [["2026-07-28"], "modern"],
    [["2099-01-01", "2026-07-28"], "modern"],
    // Both eras: it can be spoken to as a modern one.
    [["2026-07-28", "2025-11-25"], "modern"],
    [["2024-11-05", "2026-07-28"], "modern"],
    [["2025-11-25"], "legacy"],
    [["2099-01-01"], "legacy"],
    [[], "legacy"],
    ["2026-07-28", "legacy"],
    [undefined, "legacy"],
  ];
  for (const [supportedVersions, found] of cases) {
    const probed = await afterAnswer((id) => result(id, { ...DISCOVERED, supportedVersions }));
    assert.equal(probed.found, found, JSON.stringify(supportedVersions));
  }
  for (const odd of [null, "yes", []]) {
    assert.equal((await afterAnswer((id) => result(id, odd))).found, "legacy");
  }
});

Deno.test("probeEra finds by an error which eras the server speaks, and takes none for modern that legacy ones may have", async () => {
  const cases: [answer: (id: RequestId) => JsonRpcMessage, found: string][] = [
    [(id) => failure(id, "no", -32601), "legacy"],
    [(id) => failure(id, "no", -32602), "legacy"],
    [(id) => failure(id, "no", -32000), "legacy"],
    [(id) => failure(id, "no", -32001), "legacy"],
    [() => failure(null, "no", -32600), "legacy"],
    [(id) => failure(id, "no", -32020), "modern"],
    [(id) => failure(id, "no", -32021), "modern"],
    [(id) => failure(id, "no", -32022), "legacy"],
    [unsupported(["2026-07-28"]), "modern"],
    [unsupported(["2026-07-28", "2025-06-18"]), "modern"],
    [unsupported(["2099-01-01"]), "legacy"],
    [unsupported("2026-07-28"), "legacy"],
  ];
  for (const [answer, found] of cases) {
    const probed = await afterAnswer(answer);
    assert.equal(probed.found, found, JSON.stringify(answer(1)));
  }
});

Deno.test("probeEra waits for its own answer, and answers what the server asks", async () => {
  const { server, done } = probe();
  const { id } = await asked(server);
  server.say(notification(), result(1), request("p", "ping"));
  assert.deepEqual(await server.hear(), result("p", {}));
  server.say(request(id, "roots/list"));
  const refusal = '"roots/list" cannot be asked before initialize is answered';
  assert.deepEqual(await server.hear(), failure(id, refusal, -32601));
  server.say(result(`${id}`, DISCOVERED), notification("after"), notification("later"));
  assert.equal((await done).found, "modern");
});

Deno.test("probeEra takes too long a silence for legacy, whatever comes after", async () => {
  const { server, done } = probe(1);
  const { id } = await asked(server);
  assert.equal((await done).found, "legacy");
  server.say(result(id, DISCOVERED), failure(id, "no", -32601));
  await settled();
});

Deno.test("probeEra says that the server has ended, however it did", async () => {
  const closing = probe();
  await closing.server.close();
  assert.equal((await closing.done).found, "ended");

  const breaking = probe();
  await breaking.server.leave();
  assert.equal((await breaking.done).found, "ended");

  const [, gone] = memoryChannels();
  const send = () => {
    throw new DisconnectedError("gone");
  };
  const refused = await probeEra({ ...gone, send }, { clientInfo, timeoutMs: 60_000 });
  assert.equal(refused.found, "ended");
});

Deno.test("probeEra takes what has not reached the server for no evidence, but for what speaks another transport", async () => {
  const after = async (undelivered: NonNullable<Envelope["undelivered"]>) => {
    const { server, wire, done } = probe();
    const { id } = await asked(server);
    void wire.send({ message: failure(id, "the wire says no"), undelivered });
    return await done;
  };
  assert.equal((await after({ again: "never", why: "foreign" })).found, "legacy");
  await assert.rejects(after({ again: "later", why: "busy" }), BusyError);
  await assert.rejects(after({ again: "never", why: "redirected" }), (error) => {
    assert(error instanceof BackendError && error.permanent);
    assert.equal(error.message, "the wire says no");
    return true;
  });
  await assert.rejects(after({ again: "later", afterMs: 7_000 }), (error) => {
    assert(error instanceof BackendError && !error.permanent && error.retryAfterMs === 7_000);
    return true;
  });
});

Deno.test("probeEra does not wait longer for a server that does not even read", async () => {
  const [, serverEnd] = memoryChannels();
  const deaf: Channel = { ...serverEnd, send: () => new Promise<void>(() => {}) };
  assert.equal((await probeEra(deaf, { clientInfo, timeoutMs: 1 })).found, "legacy");
});

Deno.test("probeEra leaves no unhandled rejection when the server breaks off after its time", async () => {
  const { server, done } = probe(1);
  assert.equal((await done).found, "legacy");
  await server.leave();
  await settled();
});
