/** Servers that mean well and are not quite right, in every way in which children answer clients. */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";
import { inTime } from "../contract/deadline.ts";
import { type Keystone, startKeystone } from "../support/keystone.ts";
import { answer, type AnyMessage, beginSession, callTool, initialize, post } from "../support/rpc.ts";

const ODD = [
  ...[Deno.execPath(), "run", "-A"],
  fromFileUrl(new URL("../fixtures/odd_server.ts", import.meta.url)),
];

interface Mode {
  readonly flags: readonly string[];
  /** The handshake at the first child is ours: the client's own would be asked what the server wants to know early. */
  readonly playsHandshake: boolean;
  readonly sessions: boolean;
}

const MODES: Readonly<Record<string, Mode>> = {
  "one child for all": { flags: [], playsHandshake: true, sessions: false },
  "one for all sessions": {
    flags: ["--stateful", "--children", "shared"],
    playsHandshake: true,
    sessions: true,
  },
  "one for all that is not started again": {
    flags: ["--restart", "never"],
    playsHandshake: true,
    sessions: false,
  },
  "one a session": { flags: ["--stateful"], playsHandshake: false, sessions: true },
  "one a session, started ahead": {
    flags: ["--stateful", "--prewarm", "1"],
    playsHandshake: false,
    sessions: true,
  },
  "one a session that is not started again": {
    flags: ["--stateful", "--restart", "never"],
    playsHandshake: false,
    sessions: true,
  },
  "one a request": { flags: ["--children", "request"], playsHandshake: true, sessions: false },
  "one a request, started ahead": {
    flags: ["--children", "request", "--prewarm", "1"],
    playsHandshake: true,
    sessions: false,
  },
};

interface Started extends AsyncDisposable {
  readonly gateway: Keystone;
  call(id: unknown, tool: string, args?: unknown): Promise<AnyMessage>;
}

async function start({ flags, sessions }: Mode, ...oddities: string[]): Promise<Started> {
  const bounds = ["--startTimeout", "596h", "--shutdownTimeout", "1ms"];
  const gateway = await startKeystone([...flags, ...bounds], { server: [...ODD, ...oddities] });
  const session = sessions ? await inTime(beginSession(gateway.mcp), "The handshake") : undefined;
  return {
    gateway,
    call: async (id, tool, args) => {
      const called = post(gateway.mcp, callTool(id, tool, args), { session }).then(answer);
      return await inTime(called, `The answer to ${tool}`);
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

function echoed(id: unknown, args: unknown): AnyMessage {
  return { jsonrpc: "2.0", id, result: { content: [], structuredContent: args } };
}

for (const [name, mode] of Object.entries(MODES)) {
  Deno.test(`${name}: a server that reads integer ids alone, and asks early, is begun`, async () => {
    await using odd = await start(mode, "--integers", ...mode.playsHandshake ? ["--early"] : []);
    assert.deepEqual(await odd.call(5, "echo", { n: 1 }), echoed(5, { n: 1 }));
    if (!mode.playsHandshake) return;
    const { result: { structuredContent: { early } } } = await odd.call(6, "early");
    assert.deepEqual(early[0], { jsonrpc: "2.0", id: 1, result: {} });
    assert.equal(early[1].error.code, -32601);
  });

  Deno.test(`${name}: an answer under an id of another type, or an error without one, finds its asker`, async () => {
    await using odd = await start(mode, "--texts");
    for (const id of [7, 8]) assert.deepEqual(await odd.call(id, "echo", { id }), echoed(id, { id }));
    const { id, error } = await odd.call(9, "nameless");
    assert.deepEqual({ id, error }, { id: 9, error: { code: -32700, message: "cannot be read" } });
    await odd.gateway.logged(/answers under ids of another type/);
    const told = odd.gateway.stderr().match(/answers under ids of another type/g);
    assert.equal(told?.length, 1);
  });

  Deno.test(`${name}: a line of its log is no answer, whatever id it has`, async () => {
    await using odd = await start(mode);
    // The first id that a child which others share is asked with.
    assert.deepEqual(await odd.call(1, "log"), echoed(1, {}));
    await odd.gateway.logged(/line that is no message.*level.*30/);
  });
}

for (const [name, mode] of Object.entries(MODES)) {
  Deno.test(`${name}: an answer of one line that is too long costs its own call alone`, async () => {
    await using odd = await start({ ...mode, flags: [...mode.flags, "--maxMessageSize", "64k"] });
    const hanging = name.startsWith("one a request") ? undefined : odd.call(1, "hang");
    while (hanging && (await odd.call(2, "hanging")).result.structuredContent.hanging < 1);
    for (const bytes of [66_000, 1_000_000]) {
      const { id, error } = await odd.call("large", "large", { bytes });
      const why = "was refused: a line is longer than 65536 bytes (--maxMessageSize)";
      assert.deepEqual({ id, error }, {
        id: "large",
        error: { code: -32603, message: `The MCP server's answer ${why}` },
      });
    }
    if (!hanging) return;
    await odd.call(3, "release");
    assert.deepEqual(await hanging, echoed(1, {}));
    assert.doesNotMatch(odd.gateway.stderr(), /ended by itself/);
  });
}

for (const name of ["one child for all", "one for all sessions", "one a session"]) {
  Deno.test(`${name}: a server that reads integer ids alone is begun again`, async () => {
    await using odd = await start(MODES[name]!, "--integers");
    assert.match((await odd.call(5, "exit")).error.message, /exited with code 7/);
    assert.deepEqual(await odd.call(2 ** 31 - 1, "echo", { n: 2 }), echoed(2 ** 31 - 1, { n: 2 }));
  });
}

for (const [name, { flags, sessions }] of Object.entries(MODES)) {
  if (flags.includes("never")) continue;
  Deno.test(`${name}: who comes after a restart is told of the server that is there`, async () => {
    await using gateway = await startKeystone(flags, { server: ODD });
    const session = sessions ? await beginSession(gateway.mcp) : undefined;
    const call = async (tool: string) =>
      await answer(await post(gateway.mcp, callTool(1, tool), { session }));
    for (let round = 0; round < 2; round++) {
      assert.match((await inTime(call("exit"), "The end")).error.message, /exited with code 7/);
      const { structuredContent: { pid } } = (await inTime(call("who"), "The next one")).result;
      const { result } = await inTime(answer(await post(gateway.mcp, initialize())), "The handshake");
      const told = Number(result.serverInfo.version);
      // One of its own is another one; so is one that serves a request alone.
      if (name.startsWith("one for all") || name.startsWith("one child")) assert.equal(told, pid);
      assert.equal(result.instructions, `Ask ${told}`);
      assert(`of-${told}` in result.capabilities.experimental);
    }
  });
}

Deno.test("an error without an id is nobody's while several calls are open, and a warning says so", async () => {
  await using odd = await start(MODES["one child for all"]!);
  const open = [odd.call(1, "hang"), odd.call(2, "hang")];
  while ((await odd.call(3, "hanging")).result.structuredContent.hanging < 2);
  const nameless = odd.call(4, "nameless");
  await odd.gateway.logged(/which of the open requests it answers cannot be told/);
  await odd.call(5, "release");
  for (const [at, { id, result }] of (await Promise.all(open)).entries()) {
    assert.deepEqual({ id, result }, { id: at + 1, result: { content: [], structuredContent: {} } });
  }
  await odd.gateway.stop();
  assert.match((await nameless).error.message, /shutting down|stop|ended/);
});
