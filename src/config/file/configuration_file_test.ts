/** What a configuration file comes to, ours and those of other programs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { configFolder } from "../../../tests/support/config_folder.ts";
import { commandTextOf, type ServerConfig } from "../mod.ts";

type Variables = Readonly<Record<string, string>>;

interface Files {
  readonly name?: string;
  readonly variables?: Variables;
  readonly more?: Readonly<Record<string, string>>;
  readonly argv?: readonly string[];
}

async function outcomeOf(
  content: string | object,
  { name = "k.json", variables = {}, more = {}, argv = [] }: Files = {},
) {
  await using folder = await configFolder({ [name]: content, ...more });
  const outcome = await folder.parse(["--config", name, ...argv], variables);
  return { ...outcome, folder: folder.path };
}

async function serversOf(servers: object, files?: Files): Promise<Record<string, ServerConfig>> {
  return Object.fromEntries((await outcomeOf({ servers }, files)).config.servers);
}

async function serverOf(server: object, files?: Files): Promise<ServerConfig> {
  const { one } = await serversOf({ one: server }, files);
  assert(one);
  return one;
}

async function refusal(content: string | object, { name = "k.json", variables = {}, more = {} }: Files = {}) {
  await using folder = await configFolder({ [name]: content, ...more });
  return await folder.refusal(["--config", name], variables);
}

/** The same in each format. */
const TEXTS = {
  toml: `
[listen]
port = 9000
[clients]
outputTransport = "streamableHttp, sse"
[servers.files]
command = "npx"
args = ["-y", "some-server", 5]
cwd = "sub"
env = { LOG = "info", PORT = 80, ON = true }
children = "session"
requestTimeout = 1500
callTimeout = { "slow_*" = "5m", quick = "1s" }
allowTools = ["read_*"]
[servers.far]
url = "https://host/mcp"
headers = { Authorization = "Bearer \${TOKEN}" }
maxSessions = "3"
`,
  yaml: `
listen:
  port: 9000
clients:
  outputTransport: streamableHttp, sse
servers:
  files:
    command: npx
    args: [-y, some-server, 5]
    cwd: sub
    env: { LOG: info, PORT: 80, ON: true }
    children: session
    requestTimeout: 1500
    callTimeout: { "slow_*": 5m, quick: 1s }
    allowTools: ["read_*"]
  far:
    url: https://host/mcp
    headers: { Authorization: "Bearer \${TOKEN}" }
    maxSessions: "3"
`,
  jsonc: `{
  // comments are allowed
  "listen": { "port": 9000 },
  "clients": { "outputTransport": "streamableHttp, sse" },
  "servers": {
    "files": {
      "command": "npx", "args": ["-y", "some-server", 5], "cwd": "sub",
      "env": { "LOG": "info", "PORT": 80, "ON": true },
      "children": "session", "requestTimeout": 1500,
      "callTimeout": { "slow_*": "5m", "quick": "1s" },
      "allowTools": ["read_*"],
    },
    "far": { "url": "https://host/mcp", "headers": { "Authorization": "Bearer \${TOKEN}" }, "maxSessions": "3" },
  },
}`,
};

for (const [extension, text] of Object.entries(TEXTS)) {
  Deno.test(`parseArgs reads a whole configuration in ${extension}`, async () => {
    const files = { name: `k.${extension}`, variables: { TOKEN: "s3cret" } };
    const { config: { process, servers }, warnings, folder } = await outcomeOf(text, files);
    const [local, far] = [servers.get("files"), servers.get("far")];
    assert(local?.server.kind === "command" && far?.server.kind === "remote");
    assert.deepEqual([process.listen.port, warnings], [9000, []]);
    assert.deepEqual([local.server.program, ...local.server.args], ["npx", "-y", "some-server", "5"]);
    assert.deepEqual([local.server.name, local.server.flag], ["files", "servers.files.command"]);
    assert.deepEqual(local.env, { LOG: "info", PORT: "80", ON: "true" });
    assert.deepEqual([local.cwd, local.children, local.requestTimeoutMs], [
      join(folder, "sub"),
      "session",
      1500,
    ]);
    assert.deepEqual(local.callTimeouts.map(({ pattern, ms }) => [pattern, ms]), [["slow_*", 300_000], [
      "quick",
      1000,
    ]]);
    assert.deepEqual(local.filter.tools.allow?.map(({ pattern }) => pattern), ["read_*"]);
    assert.deepEqual([far.server.url.href, far.server.wire], ["https://host/mcp", "detect"]);
    assert.deepEqual([far.headers, far.maxSessions], [[["Authorization", "Bearer s3cret"]], 3]);
    for (const { transports } of [local, far]) assert.deepEqual(transports, ["streamableHttp", "sse"]);
  });
}

Deno.test("parseArgs takes pairs as a table or as flags have them", async () => {
  const table = { callTimeout: { "a=b": "1s" }, headerToEnv: { "X-Token": "TOKEN" }, env: { A: "1" } };
  const list = { callTimeout: ["a=b=1s"], headerToEnv: ["X-Token=TOKEN"], env: ["A=1"] };
  const shape = ({ callTimeouts, headerToEnv, env }: ServerConfig) =>
    JSON.stringify([callTimeouts, headerToEnv, env]);
  const [asTable, asList] = [
    await serverOf({ command: "x", ...table }),
    await serverOf({ command: "x", ...list }),
  ];
  assert.equal(shape(asTable), shape(asList));
  assert.deepEqual([asTable.callTimeouts[0]?.pattern, asTable.env.A], ["a=b", "1"]);
});

Deno.test("parseArgs serves the servers of a file over the network, unless it says otherwise", async () => {
  const url = "https://host/mcp";
  assert.deepEqual((await serverOf({ url })).transports, ["streamableHttp", "sse", "ws"]);
  assert.deepEqual((await serverOf({ url, outputTransport: ["stdio"] })).transports, ["stdio"]);
});

Deno.test("parseArgs takes a command without args for a line, and one with args for a program", async () => {
  const commandOf = async (server: object) => {
    const made = (await serverOf(server)).server;
    assert(made.kind === "command");
    return [made.shell, made.program, ...made.args];
  };
  assert.deepEqual(await commandOf({ command: 'npx -y server "a b"' }), [
    false,
    "npx",
    "-y",
    "server",
    "a b",
  ]);
  assert.deepEqual(await commandOf({ command: "a | b" }), [true, "a | b"]);
  assert.deepEqual(await commandOf({ command: "/my programs/x", args: [] }), [false, "/my programs/x"]);
  assert.deepEqual(await commandOf({ command: "a", args: ["$HOME | *"] }), [false, "a", "$HOME | *"]);
});

Deno.test("parseArgs knows the wires by all their names", async () => {
  const names = {
    http: "detect",
    "streamable-http": "streamableHttp",
    streamableHttp: "streamableHttp",
    sse: "sse",
  };
  for (const [type, wire] of Object.entries(names)) {
    for (const key of ["type", "transport"]) {
      const { server } = await serverOf({ url: "https://host/", [key]: type });
      assert(server.kind === "remote");
      assert.equal(server.wire, wire, type);
    }
  }
  for (
    const server of [{ url: "wss://h/" }, { url: "ws://h/", type: "ws" }, {
      url: "ws://h/",
      type: "websocket",
    }]
  ) {
    const made = (await serverOf(server)).server;
    assert(made.kind === "remote" && made.wire === "ws");
  }
  assert.equal((await serverOf({ command: "x", type: "stdio" })).server.kind, "command");
});

Deno.test("parseArgs leaves out a server that is disabled, whatever else is written of it", async () => {
  const servers = { one: { command: "x" }, two: { disabled: true, command: 3, env: { A: "${NOPE}" } } };
  assert.deepEqual(Object.keys(await serversOf(servers)), ["one"]);
  assert.deepEqual(Object.keys(await serversOf({ one: { command: "x", disabled: false } })), ["one"]);
  assert.match(await refusal({ servers: { two: servers.two } }), /^No server given/);
});

Deno.test("parseArgs keeps what a server is for", async () => {
  assert.equal((await serverOf({ command: "x", description: "Files" })).description, "Files");
  assert(!("description" in await serverOf({ command: "x" })));
});

Deno.test("parseArgs reads the file of a chat client as it is", async () => {
  const { config, warnings } = await outcomeOf({
    globalShortcut: "Ctrl+Space",
    mcpServers: {
      memory: {
        command: "npx",
        args: ["-y", "some-memory"],
        env: { KEY: "v" },
        alwaysAllow: ["read"],
        tags: [],
      },
      far: { type: "http", url: "https://host/mcp", headers: { A: "b" }, disabled: false, timeout: 30 },
      other: { command: "x", ownThing: { a: 1 } },
    },
  });
  assert.deepEqual([...config.servers.keys()], ["memory", "far", "other"]);
  assert.deepEqual(config.servers.get("memory")?.env, { KEY: "v" });
  assert.deepEqual(warnings.map((text) => text.replace(/^k.json:\d+:\d+: /, "")), [
    "globalShortcut: unknown section, ignored",
    "mcpServers.memory.alwaysAllow: Keystone asks nobody before a call; that is up to its clients",
    'mcpServers.far.timeout: ignored; requestTimeout, such as "60s", is the time for a call',
    "mcpServers.other.ownThing: unknown key, ignored",
  ]);
});

Deno.test("parseArgs reads the file of an editor, with its variables and comments", async () => {
  const text = `{
    // Of the workspace.
    "inputs": [{ "type": "promptString", "id": "key", "password": true }],
    "servers": {
      "local": { "type": "stdio", "command": "\${workspaceFolder}/x", "args": ["\${env:TOKEN}"], "envFile": ".env" },
      "far": { "type": "http", "url": "https://host/mcp", "gallery": true },
    },
  }`;
  const name = ".vscode/mcp.json";
  const { config, warnings, folder } = await outcomeOf(text, { name, variables: { TOKEN: "s3cret" } });
  const { server } = config.servers.get("local")!;
  assert(server.kind === "command");
  assert.deepEqual([server.program, ...server.args], [`${folder}/x`, "s3cret"]);
  assert.match(
    warnings.join(),
    /^\.vscode\/mcp.json:5:\d+: servers.local.envFile: ignored; give the variables in env/,
  );
  assert.equal(warnings.length, 1);
});

Deno.test("parseArgs shows nothing that came from a variable or a file", async () => {
  const server = { command: "run", args: ["--name", "${TOKEN}", { file: "key.txt" }, "--path=/${TOKEN}"] };
  const files = { variables: { TOKEN: "s3cret" }, more: { "key.txt": "s3cret-too\n" } };
  const made = (await serverOf(server, files)).server;
  assert(made.kind === "command");
  assert.deepEqual(made.args, ["--name", "s3cret", "s3cret-too", "--path=/s3cret"]);
  assert.doesNotMatch(made.label + commandTextOf(made), /s3cret/);
  assert.match(commandTextOf(made), /^run --name '\$\{TOKEN\}'/);
  const line = (await serverOf({ command: "run --name ${TOKEN}" }, files)).server;
  assert(line.kind === "command");
  assert.deepEqual(line.args, ["--name", "s3cret"]);
  assert.doesNotMatch(line.label + commandTextOf(line), /s3cret/);
  const far = (await serverOf({ url: "https://${TOKEN}.host/${TOKEN}?k=${TOKEN}" }, files)).server;
  assert(far.kind === "remote");
  assert.equal(far.url.hostname, "s3cret.host");
  assert.doesNotMatch(far.label, /s3cret/);
});

Deno.test("parseArgs shows what was written in place of a wrong value from elsewhere", async () => {
  const content = {
    listen: { port: "${TOKEN}", host: { file: "key.txt" } },
    servers: { one: { command: "x" } },
  };
  const files = { variables: { TOKEN: "s3cret" }, more: { "key.txt": "s3cret too" } };
  const lines = (await refusal(content, files)).split("\n").map((line) =>
    line.replace(/^k.json:1:\d+: /, "")
  );
  assert.deepEqual(lines, [
    'listen.port "${TOKEN}": expected a whole number from 0 to 65535',
    'listen.host {"file":"key.txt"}: expected a host name or an IP address, such as 127.0.0.1, :: or localhost',
  ]);
});

Deno.test("parseArgs takes numbers, times and switches from variables, too", async () => {
  const { config } = await outcomeOf({
    listen: { port: "${PORT}" },
    clients: { stateful: "${STATEFUL:-true}" },
    servers: { one: { command: "x", requestTimeout: "${TIME}" } },
  }, { variables: { PORT: "81", TIME: "5s" } });
  const { stateful, requestTimeoutMs } = config.servers.get("one")!;
  assert.deepEqual([config.process.listen.port, stateful, requestTimeoutMs], [81, true, 5_000]);
});

Deno.test("parseArgs begins relative paths of the file at its folder, wherever it is", async () => {
  const content = {
    tls: { cert: "c.pem", key: "/k.pem" },
    servers: { one: { url: "https://h/", caFile: "../ca.pem" } },
  };
  const { config, folder } = await outcomeOf(content, { name: "sub/k.json" });
  const { tlsCert, tlsKey } = config.process.tls;
  assert.deepEqual([tlsCert, tlsKey], [join(folder, "sub/c.pem"), "/k.pem"]);
  assert.equal(config.servers.get("one")?.caFile, join(folder, "ca.pem"));
});

Deno.test("parseArgs takes the word file for what it is where names stand", async () => {
  const { config } = await outcomeOf({
    servers: {
      file: { command: "x", env: { file: "a" } },
      env: { url: "https://h/", headers: { file: "b" } },
    },
    filter: { denyTools: ["x"] },
  });
  assert.deepEqual(config.servers.get("file")?.env, { file: "a" });
  assert.deepEqual(config.servers.get("env")?.headers, [["file", "b"]]);
});

Deno.test("parseArgs lets servers share what is meant for some of them", async () => {
  const content = {
    remote: { oauth2Bearer: "s3cret", caFile: "ca.pem" },
    children: { prewarm: 1, env: { A: "1" } },
    servers: { local: { command: "x" }, far: { url: "https://h/" } },
  };
  const { config, warnings } = await outcomeOf(content);
  assert.equal(config.servers.get("far")?.oauth2Bearer, "s3cret");
  assert.deepEqual(warnings, []);
  const local = { ...content, servers: { local: { command: "x" } } };
  assert.match(await refusal(local), /remote.oauth2Bearer: protects nothing with a stdio server/);
});

Deno.test("parseArgs warns of what has no effect for the server that has it, and of all where none has", async () => {
  const own = await outcomeOf({ servers: { a: { command: "x", caFile: "c" }, b: { url: "https://h/" } } });
  assert.deepEqual(own.warnings, [
    "servers.a.caFile has no effect with a stdio server: it is for remote servers",
  ]);
  const all = await outcomeOf({
    remote: { caFile: "c" },
    servers: { a: { command: "x" }, b: { command: "y" } },
  });
  assert.deepEqual(all.warnings, [
    "remote.caFile has no effect with a stdio server: it is for remote servers",
  ]);
});

Deno.test("parseArgs takes names of our own routes where one server stands at the root", async () => {
  assert.deepEqual(Object.keys(await serversOf({ config: { command: "x" } })), ["config"]);
  assert.match(
    await refusal({ servers: { config: { command: "x" }, b: { command: "y" } } }),
    /servers.config: expected another name/,
  );
  const names = ["a", "A-b_c.1", "9", "x".repeat(64), "constructor", "file"];
  assert.deepEqual(
    Object.keys(await serversOf(Object.fromEntries(names.map((name) => [name, { command: "x" }])))).sort(),
    [...names].sort(),
  );
});

Deno.test("parseArgs tells which files it has read", async () => {
  const { file, folder } = await outcomeOf({
    servers: { a: { command: "x", env: { K: { file: "key.txt" } } } },
  }, {
    more: { "key.txt": "k" },
  });
  assert.deepEqual([file?.path, file?.place, file?.read], ["k.json", `${folder}/k.json`, [
    `${folder}/key.txt`,
  ]]);
});
