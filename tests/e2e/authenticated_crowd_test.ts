// deno-lint-ignore-file no-console -- how much was seen in that time
/** Many sessions of many principals on one server at once: each hears what is its own, and nothing else. */
import assert from "node:assert/strict";
import { keyFile } from "../../src/auth/api_key/key_file.ts";
import { digestOf, makeKey } from "../../src/auth/api_key/key_text.ts";
import { type Begin, beginSocket, beginSse, beginStreamable } from "../support/conversation.ts";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { callTool } from "../support/rpc.ts";

const WIRES: readonly [string, Begin][] = [
  ["Streamable HTTP", beginStreamable],
  ["SSE", beginSse],
  ["WebSocket", beginSocket],
];
const PRINCIPALS = 25;
/** How many calls each session makes at least. */
const CALLS = 8;
/** How long all of them go on at least, for who wants to see more than CI has time for: `CROWD_SECONDS=60 deno test …`. */
const HOLD_MS = 1000 * Number(Deno.env.get("CROWD_SECONDS") ?? 0);
assert(HOLD_MS >= 0, 'CROWD_SECONDS: expected a number of seconds, such as "60"');

for (const [wire, begin] of WIRES) {
  for (const sessions of [50, 500]) {
    Deno.test(`${sessions} sessions of ${PRINCIPALS} principals over ${wire} are kept apart on one child`, async () => {
      const folder = await Deno.makeTempDir();
      const keys = Array.from({ length: PRINCIPALS }, makeKey);
      const createdAt = new Date().toISOString();
      const entries = keys.map(({ id, secret }, index) => ({
        ...{ id, name: `caller${index}`, digest: digestOf(secret), scopes: [], createdAt },
      }));
      await keyFile.change(`${folder}/api-keys.json`, () => entries);
      const flags = ["--auth", "apiKey", "--stateful", "--children", "shared", "--maxSessions", "1000"];
      await using gateway = await startKeystone([...flags, "--replyMode", "sse", "--logLevel", "warn"], {
        server: SCRIPTED,
        env: { KEYSTONE_STATE_DIR: folder },
      });
      const crowd = Array.from({ length: sessions }, (_, number) => {
        const key = keys[number % keys.length]!;
        return alone(gateway, begin, `session ${number}`, { "X-API-Key": key.text });
      });
      const all = await Promise.all(crowd);
      const pids = new Set(all.flatMap(({ pids }) => pids));
      assert.equal(pids.size, 1);
      console.info(`${all.reduce((sum, { calls }) => sum + calls, 0)} calls`);
      assert.equal(gateway.stderr(), "");
      await Deno.remove(folder, { recursive: true });
    });
  }
}

interface Told {
  readonly calls: number;
  /** The processes that have answered. */
  readonly pids: readonly unknown[];
}

/** Calls again and again, and looks at each message that comes. */
async function alone(
  gateway: Keystone,
  begin: Begin,
  name: string,
  headers: Record<string, string>,
): Promise<Told> {
  await using conversation = await begin(gateway, {}, headers);
  const pids: unknown[] = [];
  let calls = 0;
  const end = performance.now() + HOLD_MS;
  for (let call = 1; call <= CALLS || performance.now() < end; call++) {
    const token = `${name} call ${call}`;
    await conversation.send(callTool(call, "progress", { steps: 2, text: token }, { progressToken: token }));
    const told = await conversation.until(call);
    // Over Streamable HTTP two calls at once have a stream each, and no order between them.
    const again = `${call} again`;
    await conversation.send(callTool(again, "echo", { text: token }));
    told.push(...await conversation.until(again));
    for (const { params, result } of told) {
      if (params?.progressToken !== undefined) assert.equal(params.progressToken, token);
      const { text, pid } = result?.structuredContent ?? {};
      if (text !== undefined) assert.equal(text, token);
      if (pid !== undefined) pids.push(pid);
    }
    assert.equal(told.filter(({ result }) => result).length, 2);
    calls += 2;
  }
  return { calls, pids };
}
