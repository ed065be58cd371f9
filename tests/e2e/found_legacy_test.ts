/** Children that have no answer to what clients of 2026-07-28 begin with: they are taken for what they are, and asked once. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { beginSse, openSocket } from "../support/conversation.ts";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { modernHeaders } from "../support/modern_post_rig.ts";
import { modern } from "../support/modern_rig.ts";
import { answer, type AnyMessage, callTool, post } from "../support/rpc.ts";

const FLAGS = ["--outputTransport", "streamableHttp,sse,ws", "--eraProbeTimeout", "10m"];
const ASKED = /Child says .*was asked server\/discover/;
const ECHO = modern(1, "tools/call", { name: "echo", arguments: { a: 1 } });

const ask = ({ mcp }: Keystone): Promise<AnyMessage> =>
  post(mcp, ECHO, { headers: modernHeaders(ECHO) }).then(answer);

const HOW = { "exits at": "--exit-at-discover", "keeps silent at": "--silent-at-discover" };

for (const [what, flag] of Object.entries(HOW)) {
  Deno.test(`a child that ${what} server/discover is found legacy, served, and asked once`, async () => {
    const server = [...SCRIPTED, flag];
    await using gateway = await startKeystone(FLAGS, { server, leapMs: 600_000 });
    const answers = Promise.all([ask(gateway), ask(gateway)]);
    await gateway.logged(ASKED);
    if (flag === HOW["keeps silent at"]) await gateway.leap();
    for (const { result } of await inTime(answers, "The answers to those who came first")) {
      assert.deepEqual([result.structuredContent.a, result.resultType], [1, "complete"]);
    }
    await gateway.logged(/Found out which era .*era=legacy/);
    assert.equal((await inTime(ask(gateway), "The next answer")).result.structuredContent.a, 1);
    await using socket = await openSocket(gateway);
    await socket.send(ECHO);
    assert.equal((await socket.next()).result.structuredContent.a, 1);
    await using session = await beginSse(gateway);
    await session.send(callTool(2, "echo", { a: 2 }));
    assert.equal((await session.next()).result.structuredContent.a, 2);
    assert.doesNotMatch(gateway.stderr(), /ERR|ended by itself/);
    const lines = gateway.stderr().split("\n");
    for (const told of [ASKED, /Child started session=era/]) {
      assert.equal(lines.filter((line) => told.test(line)).length, 1, gateway.stderr());
    }
  });
}
