/** What `keystone client-config` prints, used as a client uses it. */
import assert from "node:assert/strict";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { Client } from "@modelcontextprotocol/sdk/client";
import { answer, callTool, post } from "../support/rpc.ts";
import { runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";

interface Entry {
  readonly type?: string;
  readonly command?: string;
  readonly args?: string[];
  readonly env?: Record<string, string>;
  readonly url?: string;
  readonly headers?: Record<string, string>;
}

async function printed(args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await runKeystone(["client-config", ...args], { env });
  assert.equal(code, 0, stderr);
  const { mcpServers, servers = mcpServers }: Record<string, Record<string, Entry>> = JSON.parse(stdout);
  return { servers: servers!, stderr };
}

async function echoes({ command = "", args = [], env = {} }: Entry): Promise<unknown> {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(new StdioClientTransport({ command, args, env: { ...Deno.env.toObject(), ...env } }));
  const { structuredContent } = await client.callTool({ name: "echo", arguments: { n: 7 } });
  await client.close();
  return Object(structuredContent).n;
}

Deno.test("client-config has a client call the URL of a gateway, and start Keystone where it cannot", async () => {
  const serving = ["--port", "8123", "--auth", "apiKey", "--authAttempts", "9", "--", "cat"];
  const code = await printed(["--client=claude-code", ...serving]);
  const headers = { Authorization: "Bearer YOUR_KEY" };
  assert.deepEqual(code.servers.cat, { type: "http", url: "http://127.0.0.1:8123/mcp", headers });
  const desktop = await printed(["--client", "claude-desktop", ...serving]);
  assert.deepEqual(desktop.servers.cat?.args?.at(-1), "http://127.0.0.1:8123/mcp");
  assert.deepEqual(desktop.servers.cat?.env, { KEYSTONE_HEADER: "Authorization: Bearer YOUR_KEY" });
  const sse = [
    "--client",
    "cursor",
    "--outputTransport",
    "sse",
    "--tlsSelfSigned",
    "--port",
    "1",
    "--",
    "cat",
  ];
  assert.deepEqual((await printed(sse)).servers.cat, { url: "https://127.0.0.1:1/sse" });
  const proxied = ["--client", "vscode", "--baseUrl", "https://tools.example.com/a", "--", "cat"];
  assert.deepEqual((await printed(proxied)).servers.cat, {
    type: "http",
    url: "https://tools.example.com/a/mcp",
  });
  const socket = await printed(["--client", "cursor", "--outputTransport", "ws", "--port", "1", "--", "cat"]);
  assert.deepEqual(socket.servers.cat?.args?.at(-1), "ws://127.0.0.1:1/ws");
});

Deno.test("client-config says what has started it, where that is no Deno: a file, or the words of a launcher", async () => {
  for (
    const [said, expected] of [
      ["/opt/my tools/keystone", ["/opt/my tools/keystone"]],
      ['["npx","-y","keystone-mcp"]', ["npx", "-y", "keystone-mcp"]],
    ] as const
  ) {
    const { servers } = await printed(["--client", "cursor", "https://h/mcp"], { KEYSTONE_COMMAND: said });
    const [entry] = Object.values(servers);
    assert.deepEqual([entry?.command, ...entry?.args ?? []], [...expected, "https://h/mcp"]);
  }
  for (const odd of ["[", "[]", "[1]", ""]) {
    const { servers } = await printed(["--client", "cursor", "https://h/mcp"], { KEYSTONE_COMMAND: odd });
    assert.equal(Object.values(servers)[0]?.command, Deno.execPath(), odd);
  }
});

Deno.test("what has started Keystone is told to no server that it starts, and draws no warning", async () => {
  const env = { KEYSTONE_COMMAND: "/opt/keystone" };
  await using gateway = await startKeystone([], { server: SCRIPTED, env });
  const { result } = await answer(await post(gateway.mcp, callTool(1, "env", { name: "KEYSTONE_COMMAND" })));
  assert.equal(result.structuredContent.value, null);
  await gateway.stop();
  assert.doesNotMatch(gateway.stderr(), /KEYSTONE_COMMAND/);
});

Deno.test("client-config has a server of several by its own path, and says what is wrong in a line", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/mcp.json`;
    await Deno.writeTextFile(file, '{"mcpServers": {"a": {"command": "cat"}, "b": {"command": "cat"}}}');
    const { servers } = await printed(["--client", "cursor", "--port", "80", file]);
    assert.deepEqual(servers, {
      a: { url: "http://127.0.0.1:80/a/mcp" },
      b: { url: "http://127.0.0.1:80/b/mcp" },
    });
    for (
      const [args, says] of [
        [[], /^keystone: --client: expected one of claude-desktop, claude-code, vscode, cursor\n$/],
        [["--client", "emacs"], /^keystone: --client "emacs": expected one of claude-desktop, /],
        [
          ["--client", "cursor", "--port", "0", "--", "cat"],
          /^keystone: --port 0: another one with each start/,
        ],
        [
          ["--client", "cursor", "--as", "x", file],
          /^keystone: --as: names one server, and there are several\n$/,
        ],
        [["--client", "cursor", "--prot", "1"], /--prot/],
        [["--client", "cursor", "--as", "", "--", "cat"], /^keystone: --as "": expected letters, digits/],
        [
          ["--client", "cursor", "--as=a\n\x1b[31m", "--", "cat"],
          /^keystone: --as "a\\n\\u001b\[31m": expected/,
        ],
      ] as const
    ) {
      const { code, stdout, stderr } = await runKeystone(["client-config", ...args]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, says);
    }
    const { code, stdout } = await runKeystone(["client-config", "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: keystone client-config --client <client>/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("client-config names the file and the variables that count here, and shows no secret", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/keystone.toml`;
    await Deno.writeTextFile(file, '[servers.far]\nurl = "https://h/mcp"\n');
    const toClient = ["client-config", "--client", "cursor"];
    const run = async (args: string[], env: Record<string, string> = {}) => {
      const { code, stdout, stderr } = await runKeystone([...toClient, ...args], { cwd: folder, env });
      assert.equal(code, 0, stderr);
      const { mcpServers }: Record<string, Record<string, Entry>> = JSON.parse(stdout);
      return { entry: Object.values(mcpServers!)[0]!, stdout, stderr };
    };
    const stdio = ["--outputTransport", "stdio"];
    for (const args of [[], ["--config", "keystone.toml"], ["--config=keystone.toml"], ["keystone.toml"]]) {
      const { args: [...words] = [] } = (await run([...args, ...stdio])).entry;
      assert(words.some((word) => word.endsWith(file)), `${args}: ${words}`);
      assert(!words.some((word) => /^(--config=)?keystone\.toml$/.test(word)), `${words}`);
    }
    const token = "s3cret-token-of-this-test";
    const env = { KEYSTONE_LOG_LEVEL: "warn", KEYSTONE_OAUTH2_BEARER: token };
    const { entry, stdout, stderr } = await run(["https://other/mcp"], env);
    assert.deepEqual(entry.env, { KEYSTONE_LOG_LEVEL: "warn", KEYSTONE_OAUTH2_BEARER: "YOUR_SECRET" });
    assert.match(
      stderr,
      /^keystone: YOUR_SECRET stands for the value of KEYSTONE_OAUTH2_BEARER$/m,
    );
    assert.doesNotMatch(stdout + stderr, new RegExp(token));
    // Named, it would be one server more.
    assert.equal(entry.args?.at(-1), "https://other/mcp");
    assert.match(stderr, /keystone\.toml does not count there, since its servers give way to another one$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("client-config has a client trust the certificate that nobody else vouches for", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const flags = ["--stateDir", folder, "--tlsSelfSigned", "--port", "8443", "--", "cat"];
    const certificate = `${await Deno.realPath(folder)}/tls/cert.pem`;
    const desktop = await printed(["--client", "claude-desktop", ...flags]);
    assert.deepEqual(desktop.servers.cat?.args?.slice(-3), [
      "https://127.0.0.1:8443/mcp",
      "--caFile",
      certificate,
    ]);
    const cursor = await printed(["--client", "cursor", ...flags]);
    assert.deepEqual(cursor.servers.cat, { url: "https://127.0.0.1:8443/mcp" });
    assert.match(cursor.stderr, new RegExp(`^keystone: the client has to trust ${certificate}`, "m"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

// The last one: its client leaves the timer that would have killed its server.
Deno.test(
  "client-config prints the command that this program was started by, and a client gets its answers from it",
  {
    sanitizeOps: false,
    sanitizeResources: false,
  },
  async () => {
    await using gateway = await startKeystone([], { server: SCRIPTED });
    const { servers, stderr } = await printed(["--client", "claude-desktop", "--as", "far", gateway.mcp]);
    assert.deepEqual(Object.keys(servers), ["far"]);
    assert.deepEqual(servers.far?.args?.at(-1), gateway.mcp);
    assert.match(stderr, /^For Claude Desktop: .*claude_desktop_config\.json\n$/);
    assert.equal(await echoes(servers.far!), 7);
  },
);
