/** Configuration from files and the environment, as users meet it: real processes, real files. */
import assert from "node:assert/strict";
import { runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { configFolder } from "../support/config_folder.ts";
import { connect } from "../support/clients.ts";
import { answer, beginSession, callTool, post } from "../support/rpc.ts";

const [PROGRAM = "", ...ARGS] = SCRIPTED;
const UNTRIED = "--no-try-at-start";

interface Env {
  readonly value: string | null;
  readonly cwd: string;
}

/** What a child has in its environment, asked of the child itself. */
async function envOf(mcp: string, name: string): Promise<Env> {
  const session = await beginSession(mcp);
  const { result } = await answer(await post(mcp, callTool(1, "env", { name }), { session }));
  return result.structuredContent;
}

Deno.test("keystone mcp.json serves the servers of another program's file, each with its own environment", async () => {
  await using folder = await configFolder({
    "mcp.json": {
      mcpServers: {
        one: { command: PROGRAM, args: ARGS, env: { WHO: "one", HOME_TOO: "${HOME}" } },
        two: { command: PROGRAM, args: ARGS, env: { WHO: "two" }, alwaysAllow: ["echo"] },
        off: { command: "no-such-program", disabled: true },
      },
    },
  });
  await using keystone = await startKeystone(["mcp.json", "--stateful", UNTRIED], {
    cwd: folder.path,
    env: { HOME: folder.path },
  });
  const url = (name: string) => `http://127.0.0.1:${keystone.port}/${name}/mcp`;
  assert.equal((await envOf(url("one"), "WHO")).value, "one");
  assert.equal((await envOf(url("two"), "WHO")).value, "two");
  assert.equal((await envOf(url("one"), "HOME_TOO")).value, folder.path);
  const listed = await (await fetch(`http://127.0.0.1:${keystone.port}/`)).json();
  assert.deepEqual(Object.keys(listed.servers), ["one", "two"]);
  await keystone.logged(/mcpServers\.two\.alwaysAllow: Keystone asks nobody/);
});

Deno.test("keystone serves a remote server of a file beside a command of it", async () => {
  await using far = await startKeystone(["--stateful"], { server: SCRIPTED, env: { WHO: "far away" } });
  await using folder = await configFolder({
    "servers.yaml": [
      "clients: { stateful: true }",
      "children: { tryAtStart: false }",
      "servers:",
      `  far: { url: "${far.mcp}", type: http, description: Far away }`,
      `  near: { command: ${JSON.stringify(PROGRAM)}, args: ${JSON.stringify(ARGS)}, env: { WHO: near } }`,
      "",
    ].join("\n"),
  });
  await using keystone = await startKeystone(["servers.yaml"], { cwd: folder.path });
  const url = (name: string) => `http://127.0.0.1:${keystone.port}/${name}/mcp`;
  assert.equal((await envOf(url("far"), "WHO")).value, "far away");
  assert.equal((await envOf(url("near"), "WHO")).value, "near");
  const listed = await (await fetch(`http://127.0.0.1:${keystone.port}/`)).json();
  assert.equal(listed.servers.far.description, "Far away");
});

Deno.test("keystone finds its file in the working directory, and serves the one server of it at the root", async () => {
  await using folder = await configFolder({
    "keystone.toml": `
      [clients]
      stateful = true
      [log]
      level = "info"
      [servers.scripted]
      command = ${JSON.stringify(PROGRAM)}
      args = ${JSON.stringify(ARGS)}
      cwd = "sub"
      env = { SECRET = { file = "secret.txt" } }
      tryAtStart = false
    `,
    "secret.txt": "of a file\n",
    "sub/x": "",
  });
  await using keystone = await startKeystone([], { cwd: folder.path });
  assert.equal(new URL(keystone.mcp).pathname, "/mcp");
  assert.deepEqual(await envOf(keystone.mcp, "SECRET"), { value: "of a file", cwd: `${folder.path}/sub` });
  await using connected = await connect(keystone, "WebSocket");
  assert((await connected.client.listTools()).tools.length > 0);
  assert.doesNotMatch(keystone.stdout + keystone.stderr(), /of a file/);
});

Deno.test("keystone takes options from the environment, and hands none of them on to its servers", async () => {
  const env = {
    KEYSTONE_PORT: "0",
    KEYSTONE_STATEFUL: "1",
    KEYSTONE_STREAMABLE_HTTP_PATH: "/elsewhere",
    KEYSTONE_OUTPUT_TRANSPORT: "streamableHttp,sse",
    KEYSTONE_ENV: "A=1\nB=2,3",
    KEYSTONE_MAX_SESSION: "5",
  };
  await using folder = await configFolder();
  await using keystone = await startKeystone([], {
    cwd: folder.path,
    env,
    server: SCRIPTED,
    freePort: false,
  });
  assert.equal(new URL(keystone.mcp).pathname, "/elsewhere");
  assert.notEqual(keystone.port, 8000);
  assert.equal(keystone.ws, "");
  assert.equal((await envOf(keystone.mcp, "B")).value, "2,3");
  assert.equal((await envOf(keystone.mcp, "KEYSTONE_ENV")).value, null);
  await keystone.logged(
    /KEYSTONE_MAX_SESSION: no option has this name, did you mean KEYSTONE_MAX_SESSIONS\?/,
  );
});

Deno.test("keystone puts variables into the headers and the environment of flags", async () => {
  const options = { env: { TOKEN: "t0ken" }, server: SCRIPTED };
  await using keystone = await startKeystone(["--stateful", "--env", "A=x-${TOKEN}"], options);
  assert.equal((await envOf(keystone.mcp, "A")).value, "x-t0ken");
});

Deno.test("keystone config validate tells all that is wrong and ends with 2, or what is right and ends with 0", async () => {
  await using folder = await configFolder({
    "good.yaml": 'servers:\n  a: { command: x }\n  b: { url: https://h/, headers: { A: "${TOKEN}" } }\n',
    "one.json": { servers: { a: { command: "x" } } },
    "bad.toml": '[listen]\nport = 70000\n[servers.a]\ncommand = "x"\nrequestTimeout = "s"\n',
  });
  const options = { cwd: folder.path, env: { TOKEN: "t" } };
  assert.deepEqual(await runKeystone(["config", "validate", "good.yaml"], options), {
    code: 0,
    stdout: "good.yaml: ok, 2 servers\n",
    stderr: "",
  });
  assert.equal(
    (await runKeystone(["validate-config", "one.json"], options)).stdout,
    "one.json: ok, 1 server\n",
  );
  const { code, stdout, stderr } = await runKeystone(["config", "validate", "bad.toml"], options);
  assert.deepEqual([code, stdout, stderr.split("\n")], [2, "", [
    "bad.toml:2:1: listen.port 70000: expected a whole number from 0 to 65535",
    'bad.toml:5:1: servers.a.requestTimeout "s": expected a time from 1ms to 596h, such as 500ms, 30s, 5m or 1h',
    "",
  ]]);
  const gone = await runKeystone(["config", "validate", "gone.toml"], options);
  assert.deepEqual([gone.code, gone.stderr], [2, "gone.toml: there is no such file\n"]);
  for (const args of [["config"], ["config", "edit"], ["config", "validate"], ["config", "schema", "x"]]) {
    const { code, stderr } = await runKeystone(args, options);
    assert.equal(code, 2);
    assert.match(stderr, /^keystone: config.*: expected [^\n]+\n$/);
  }
});

Deno.test("keystone refuses a bad file at its start in the same words", async () => {
  await using folder = await configFolder({ "bad.toml": '[servers.a]\ncommand = "x"\nprewarm = -1\n' });
  const { code, stdout, stderr } = await runKeystone(["bad.toml"], { cwd: folder.path });
  assert.deepEqual([code, stdout], [2, ""]);
  assert.equal(
    stderr,
    "keystone: bad.toml:3:1: servers.a.prewarm -1: expected a whole number of at least 0\n",
  );
});

Deno.test("keystone config print tells each value and its source, and config schema a JSON Schema", async () => {
  await using folder = await configFolder({
    "keystone.toml": '[listen]\nport = 9000\n[servers.a]\ncommand = "x"\n',
  });
  const options = { cwd: folder.path, env: { KEYSTONE_HOST: "::1" } };
  const { code, stdout } = await runKeystone(["config", "print", "--maxSessions", "5"], options);
  assert.equal(code, 0);
  assert.match(stdout, /^port = 9000 +# keystone\.toml:2$/m);
  assert.match(stdout, /^host = "::1" +# KEYSTONE_HOST$/m);
  assert.match(stdout, /^maxSessions = "5" +# --maxSessions$/m);
  assert.match(stdout, /^\[servers\.a\]\ncommand = "x" +# keystone\.toml:4$/m);
  const json = JSON.parse((await runKeystone(["config", "print", "--json"], options)).stdout);
  assert.deepEqual(json.listen.port, { value: 9000, source: "keystone.toml:2" });
  assert.deepEqual(json.servers.a.command, { value: "x", source: "keystone.toml:4" });
  const schema = JSON.parse((await runKeystone(["config", "schema"], options)).stdout);
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
});
