/** A conversation whose server is opened again with other arguments, environment and headers: real children and remotes. */
import assert from "node:assert/strict";
import { supervise, type SupervisedBackend } from "../../src/adapters/supervise.ts";
import { streamableBackend } from "../../src/backends/remote/streamable.ts";
import { AS_CONFIGURED, type Backend } from "../../src/core/backend.ts";
import { childTest, launchOf, membersOf } from "../support/children.ts";
import { FarEnd } from "../support/far_end.ts";
import { REMEMBERED } from "../support/limits.ts";
import { client, remoteOptions } from "../support/loopback.ts";
import { notification, request } from "../support/messages.ts";
import type { AnyMessage } from "../support/rpc.ts";
import { HttpRemote, SESSION } from "../support/scripted_remote.ts";

const INITIALIZE = request("init", "initialize", { protocolVersion: "2025-11-25", capabilities: {} });
const { signal } = new AbortController();

function supervised(backend: Backend): SupervisedBackend {
  const retry = { attempts: 0, firstDelayMs: 0, maxDelayMs: 60_000 };
  const limits = { replayTimeoutMs: 60_000, maxBufferedBytes: 1 << 26, remembers: REMEMBERED };
  return supervise(backend, { retry, ...limits, delivers: true, emit: () => {} });
}

/** What a tool of the server says. */
async function told(far: FarEnd, id: number, name: string, args: unknown = {}): Promise<AnyMessage> {
  far.say(request(id, "tools/call", { name, arguments: args }));
  const { result } = await far.hear() as AnyMessage;
  return result.structuredContent;
}

childTest(
  "a child is replaced by one with other arguments and another environment, in the same session",
  async (children) => {
    await using channel = await supervised(children.backend()).open(launchOf(), signal);
    const far = new FarEnd(channel);
    far.say(INITIALIZE);
    await far.hear();
    await channel.send({ message: notification("notifications/initialized") });
    const { pid } = await told(far, 1, "echo");
    assert.deepEqual((await told(far, 2, "env", { name: "KEY" })).value, null);

    far.say(request(3, "tools/call", { name: "hang" }));
    await channel.reopen({ ...AS_CONFIGURED, args: ["--version=2024-11-05"], env: { KEY: "v" } });
    assert.deepEqual(await membersOf([pid]), []);
    const { error } = await far.hear() as AnyMessage;
    assert.match(error.message, /opened again with other settings: the answer is lost/);
    assert.notEqual((await told(far, 4, "echo")).pid, pid);
    assert.deepEqual((await told(far, 5, "env", { name: "KEY" })).value, "v");
    assert.deepEqual((await told(far, 6, "seen")).notifications, ["notifications/initialized"]);
    // The order of the end: the stdin of the old one is closed, and nothing is sent to it by force.
    assert.deepEqual(children.told("child.exited").map(({ code, expected }) => [code, expected]), [[
      0,
      true,
    ]]);
  },
);

Deno.test("a remote is called with other headers from then on, in a session of its own that is told what the last one knew", async () => {
  await using remote = new HttpRemote();
  using http = client({ headers: { authorization: "Bearer of-all" } });
  const backend = streamableBackend({ ...remoteOptions(new URL(remote.url)), client: http });
  await using channel = await supervised(backend).open(launchOf({ headers: { "x-key": "first" } }), signal);
  const far = new FarEnd(channel);
  far.say(INITIALIZE);
  await far.hear();
  await channel.send({ message: notification("notifications/initialized") });
  await told(far, 1, "echo", { n: 1 });
  await channel.reopen({ ...AS_CONFIGURED, headers: { "x-key": "second", authorization: "Bearer own" } });
  assert.deepEqual(await told(far, 2, "echo", { n: 2 }), { n: 2 });

  const seen = remote.seen.filter(({ method }) => method !== "GET").map(({ method, message, headers }) =>
    [
      message?.method ?? method,
      ...["x-key", "authorization", "mcp-session-id"].map((name) => headers.get(name)),
    ]
      .join(" ")
  );
  assert.deepEqual(seen, [
    "initialize first Bearer of-all ",
    `notifications/initialized first Bearer of-all ${SESSION}`,
    `tools/call first Bearer of-all ${SESSION}`,
    `DELETE first Bearer of-all ${SESSION}`,
    "initialize second Bearer own ",
    `notifications/initialized second Bearer own ${SESSION}`,
    `tools/call second Bearer own ${SESSION}`,
  ]);
});
