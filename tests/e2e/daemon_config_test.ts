/** Gateways in the background that are configured by a file. */
import assert from "node:assert/strict";
import { configFolder } from "../support/config_folder.ts";
import { Daemons } from "../support/daemon.ts";
import { SCRIPTED } from "../support/keystone.ts";
import { answer, callTool, post } from "../support/rpc.ts";

const [command = "", ...args] = SCRIPTED;
const configuration = (more: object = {}) =>
  JSON.stringify({
    listen: { port: 0 },
    children: { tryAtStart: false },
    servers: { one: { command, args }, two: { command, args } },
    ...more,
  });

Deno.test("start serves the servers of a file, tells here what is wrong with it, and restart reads it anew", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/servers.json`;
  await Deno.writeTextFile(path, configuration({ listen: { port: "none" } }));
  await using daemons = await Daemons.create();
  const broken = await daemons.run("start", path);
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /^keystone: .*servers\.json:1:\d+: .*port.*expected a whole number/);
  await Deno.writeTextFile(path, configuration());
  assert.equal((await daemons.run("start", "--config", path)).code, 0);
  const { urls, pid } = await daemons.record();
  assert.deepEqual(urls.map((url) => new URL(url).pathname), ["/one/mcp", "/one/sse", "/one/ws", ...[
    ...["/two/mcp", "/two/sse", "/two/ws"],
  ]]);
  assert.match(
    (await daemons.run("status")).stdout,
    /^server +one, sessions 0, ok\nserver +two, sessions 0, ok$/m,
  );
  await Deno.writeTextFile(path, "{");
  assert.equal((await daemons.run("restart")).code, 2);
  assert.equal((await daemons.record()).pid, pid);
  await Deno.writeTextFile(path, configuration({ servers: { three: { command, args } } }));
  assert.equal((await daemons.run("restart")).code, 0);
  assert.deepEqual((await daemons.record()).urls.map((url) => new URL(url).pathname), [
    "/mcp",
    "/sse",
    "/ws",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("start refuses a state folder that only the file names", async () => {
  await using folder = await configFolder({
    "keystone.json": configuration({ admin: { stateDir: "there" } }),
  });
  const path = `${folder.path}/keystone.json`;
  await using daemons = await Daemons.create();
  assert.equal((await daemons.run("start", "--config", path)).code, 0, "the environment names one");
  await using nowhere = await Daemons.create({
    env: { KEYSTONE_STATE_DIR: "", XDG_STATE_HOME: daemons.folder },
  });
  const refused = await nowhere.run("start", "--config", path);
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /admin\.stateDir: .* would not find the gateway there; use --stateDir, or KEYSTONE_/,
  );
});

Deno.test("start hands on what the environment configures, and its servers do not see it", async () => {
  await using daemons = await Daemons.create({
    env: { KEYSTONE_PORT: "0", KEYSTONE_MAX_SESSIONS: "nonsense" },
  });
  const wrong = await daemons.run("start", "--", ...SCRIPTED);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /KEYSTONE_MAX_SESSIONS/);
  assert.equal(
    (await daemons.run("start", "--maxSessions", "3", "--no-try-at-start", "--", ...SCRIPTED)).code,
    0,
  );
  const mcp = (await daemons.record()).urls[0] ?? "";
  assert.notEqual(new URL(mcp).port, "8000");
  const seen = await answer(await post(mcp, callTool(1, "env", { name: "KEYSTONE_PORT" })));
  assert.equal(seen.result.structuredContent.value, null);
  assert.equal((await daemons.run("health")).code, 0);
});
