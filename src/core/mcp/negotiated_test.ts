import assert from "node:assert/strict";
import type { Params } from "../message/jsonrpc.ts";
import { introductionIn, negotiatedIn } from "./negotiated.ts";
import { request } from "../../../tests/support/messages.ts";

const CLIENT = {
  clientInfo: { name: "inspector", version: "1.2" },
  capabilities: { roots: { listChanged: true } },
};
const SERVER = {
  protocolVersion: "2025-06-18",
  serverInfo: { name: "files", version: "3", title: "Files" },
  capabilities: { tools: {}, experimental: { odd: [1] } },
};

function negotiated(params: Params, result: unknown) {
  return negotiatedIn(introductionIn(request(1, "initialize", params)), result);
}

Deno.test("Negotiated has the revision, and what both ends have said of themselves", () => {
  const { revision, client, server } = negotiated(CLIENT, SERVER);
  assert.equal(revision, "2025-06-18");
  assert.deepEqual([client.name, client.version], ["inspector", "1.2"]);
  assert.deepEqual(client.capabilities(), CLIENT.capabilities);
  assert.deepEqual([server.name, server.version], ["files", "3"]);
  assert.deepEqual(server.capabilities(), SERVER.capabilities);
});

Deno.test("Negotiated is one record for all who have agreed on the same", () => {
  const one = negotiated(CLIENT, SERVER);
  assert.equal(negotiated(structuredClone(CLIENT), { ...SERVER, instructions: "Read me" }), one);
  assert.notEqual(negotiated(CLIENT, { ...SERVER, protocolVersion: "2025-11-25" }), one);
});

Deno.test("Negotiated gives what it does not hold to no caller, so none can change it for others", () => {
  const { client } = negotiated(CLIENT, SERVER);
  Object.assign(client.capabilities() ?? {}, { sampling: {} });
  assert.deepEqual(client.capabilities(), CLIENT.capabilities);
});

Deno.test("Negotiated takes whatever was said, and leaves out what is no name or too much to be kept", () => {
  const odd = negotiated({ clientInfo: "me", capabilities: [] }, null);
  assert.equal(odd.revision, undefined);
  for (const party of [odd.client, odd.server]) {
    assert.deepEqual([party.name, party.version, party.capabilities()], [undefined, undefined, undefined]);
  }
  const name = "n".repeat(1_000);
  const large = negotiated(
    { clientInfo: { name, version: 7 }, capabilities: { big: "b".repeat(5_000) } },
    SERVER,
  );
  assert.equal(large.client.name, "n".repeat(200));
  assert.equal(large.client.version, undefined);
  assert.equal(large.client.capabilities(), undefined);
});
