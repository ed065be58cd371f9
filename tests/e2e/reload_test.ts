/** Another configuration while the gateway runs: by SIGHUP and by a change of the file. */
import assert from "node:assert/strict";
import { configFolder } from "../support/config_folder.ts";
import { eventually, type Keystone, startKeystone } from "../support/keystone.ts";
import { answer, beginSession, callTool, post } from "../support/rpc.ts";
import { SMALL } from "../support/small_server.ts";

const [COMMAND = "", ...ARGS] = SMALL;
// What looks like a variable of ours is one of its shell.
const args = ARGS.map((arg) => arg.replaceAll("${", () => "$${"));
const SERVER = { command: COMMAND, args, stateful: true, children: "session" };

interface Rig extends AsyncDisposable {
  readonly gateway: Keystone;
  /** Puts another file in the place of the old one, as editors do. */
  write(text: string): Promise<void>;
  url(name: string): string;
}

function fileOf(servers: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ listen: { port: 0 }, log: { level: "info" }, servers }, undefined, 2);
}

async function serving(
  servers: Readonly<Record<string, unknown>>,
  flags: readonly string[] = [],
): Promise<Rig> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/keystone.json`;
  const write = async (text: string) => {
    await Deno.writeTextFile(`${path}.new`, text);
    await Deno.rename(`${path}.new`, path);
  };
  await write(fileOf(servers));
  const gateway = await startKeystone(["--config", path, ...flags]);
  return {
    ...{ gateway, write },
    url: (name) => `http://127.0.0.1:${gateway.port}/${name}/mcp`,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function pidOf(url: string, session: string, id = 1): Promise<number> {
  const { result } = await answer(await post(url, callTool(id, "echo"), { session }));
  return result.structuredContent.pid;
}

async function statusOf(url: string): Promise<number> {
  const { status, body } = await post(url, callTool(1, "echo"), { session: "unknown" });
  await body?.cancel();
  return status;
}

Deno.test("SIGHUP has the file read anew: what is new is served, and who was there keeps its session", async () => {
  await using rig = await serving({ kept: SERVER, gone: SERVER });
  const session = await beginSession(rig.url("kept"));
  const pid = await pidOf(rig.url("kept"), session);
  await rig.write(fileOf({ kept: SERVER, fresh: SERVER }));
  rig.gateway.signal("SIGHUP");
  const line = await rig.gateway.logged(/Another configuration counts.*/);
  assert.match(line, /added=\["fresh"\].*removed=\["gone"\]/);
  assert.equal(await pidOf(rig.url("kept"), session), pid);
  await pidOf(rig.url("fresh"), await beginSession(rig.url("fresh")));
  const listed = await (await fetch(new URL("/", rig.url("kept")))).json();
  assert.deepEqual(Object.keys(listed.servers), ["kept", "fresh"]);
});

Deno.test("a server that was alone keeps its session when the file gets another one, and when it loses that", async () => {
  await using rig = await serving({ one: SERVER });
  const root = `http://127.0.0.1:${rig.gateway.port}/mcp`;
  const session = await beginSession(root);
  const pid = await pidOf(root, session);
  await rig.write(fileOf({ one: SERVER, two: SERVER }));
  rig.gateway.signal("SIGHUP");
  await rig.gateway.logged(/Another configuration counts.*added=\["two"\]/);
  for (const url of [root, rig.url("one")]) assert.equal(await pidOf(url, session), pid);
  await pidOf(rig.url("two"), await beginSession(rig.url("two")));
  await rig.write(fileOf({ one: SERVER }));
  rig.gateway.signal("SIGHUP");
  await rig.gateway.logged(/Another configuration counts.*removed=\["two"\]/);
  for (const url of [root, rig.url("one")]) assert.equal(await pidOf(url, session), pid);
});

Deno.test("a file that is wrong changes nothing when it is read anew, and says all that is wrong", async () => {
  await using rig = await serving({ one: SERVER, two: SERVER });
  const session = await beginSession(rig.url("one"));
  const pid = await pidOf(rig.url("one"), session);
  await rig.write(
    fileOf({ one: { ...SERVER, requestTimeout: "soon" }, two: { ...SERVER, childen: "shared" } }),
  );
  rig.gateway.signal("SIGHUP");
  const line = await rig.gateway.logged(/Configuration cannot be taken.*/);
  assert.match(line, /keystone\.json:\d+:\d+.*requestTimeout.*childen/);
  await rig.write("{ no configuration");
  rig.gateway.signal("SIGHUP");
  await rig.gateway.logged(/Configuration cannot be taken[^]*Configuration cannot be taken/);
  assert.equal(await pidOf(rig.url("one"), session), pid);
  await rig.write(fileOf({ one: SERVER, two: SERVER, three: SERVER }));
  rig.gateway.signal("SIGHUP");
  await rig.gateway.logged(/Another configuration counts/);
  assert.equal(await pidOf(rig.url("one"), session), pid);
});

Deno.test("--watch has the file read anew when another one takes its place", async () => {
  await using rig = await serving({ one: SERVER, two: SERVER }, ["--watch"]);
  await rig.write(fileOf({ one: SERVER, three: SERVER }));
  await rig.gateway.logged(/Another configuration counts/);
  await pidOf(rig.url("three"), await beginSession(rig.url("three")));
  // While it stops it says so.
  await eventually(() => statusOf(rig.url("two")), (status) => status === 404);
});

Deno.test("a file that was found is the one that is read anew, also where it is gone and another could be found", async () => {
  await using folder = await configFolder({
    "keystone.json": fileOf({ one: SERVER }),
    "of-user/keystone/keystone.json": fileOf({ other: SERVER }),
  });
  const { path } = folder;
  await using gateway = await startKeystone([], { cwd: path, env: { XDG_CONFIG_HOME: `${path}/of-user` } });
  await Deno.rename(`${path}/keystone.json`, `${path}/kept`);
  gateway.signal("SIGHUP");
  assert.match(
    await gateway.logged(/Configuration cannot be taken.*/),
    /keystone\.json: there is no such file/,
  );
  await Deno.writeTextFile(`${path}/keystone.json`, "{}");
  gateway.signal("SIGHUP");
  await gateway.logged(/Configuration cannot be taken.*keystone\.json has none/);
  await Deno.rename(`${path}/kept`, `${path}/keystone.json`);
  gateway.signal("SIGHUP");
  await gateway.logged(/Another configuration counts.*/);
});

Deno.test("--watch looks where a link leads, and where a file is that came later", async () => {
  await using folder = await configFolder({ "real/keystone.json": fileOf({ one: SERVER, two: SERVER }) });
  const { path } = folder;
  await Deno.mkdir(`${path}/secrets`);
  await Deno.writeTextFile(`${path}/secrets/token`, "a");
  await Deno.symlink(`${path}/real/keystone.json`, `${path}/keystone.json`);
  await using gateway = await startKeystone(["--config", `${path}/keystone.json`, "--watch"]);
  const replace = async (file: string, text: string) => {
    // Beside it: whatever happens in the folder of the link has all files looked at.
    await Deno.writeTextFile(`${path}/${file}.new`, text);
    await Deno.rename(`${path}/${file}.new`, `${path}/${file}`);
  };
  const env = { TOKEN: { file: `${path}/secrets/token` } };
  await replace("real/keystone.json", fileOf({ one: SERVER, two: { ...SERVER, env } }));
  await gateway.logged(/Another configuration counts.*changed=\["two"\]/);
  await replace("secrets/token", "b");
  await gateway.logged(/(Another configuration counts.*changed=\["two"\][^]*){2}/);
});

Deno.test("a thousand calls of a server that stays as it is go on while others come and go", async () => {
  await using rig = await serving({ busy: SERVER, other: SERVER });
  const session = await beginSession(rig.url("busy"));
  const pid = await pidOf(rig.url("busy"), session);
  let [calls, settled] = [0, false];
  const call = async () => {
    while (calls < 1_000 || !settled) assert.equal(await pidOf(rig.url("busy"), session, ++calls), pid);
  };
  const calling = Promise.all(Array.from({ length: 8 }, call));
  for (let turn = 1; turn <= 5; turn++) {
    await rig.write(fileOf({ busy: SERVER, [`other${turn}`]: SERVER }));
    rig.gateway.signal("SIGHUP");
    await rig.gateway.logged(new RegExp(`added=\\["other${turn}"\\]`));
  }
  settled = true;
  await calling;
});
