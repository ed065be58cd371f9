/** The one file that is shipped, run as its users run it: with no more permissions than the binaries have, and nothing beside it. */
import assert from "node:assert/strict";
import { bundle } from "../../scripts/bundle.ts";
import { PERMISSIONS, RUN_FLAGS } from "../../scripts/compile.ts";
import { runDeno } from "../../scripts/run_deno.ts";
import { connect, type Wire, WIRES } from "../support/clients.ts";
import { EVERYTHING, type Keystone } from "../support/keystone.ts";

Deno.test("the bundle serves all wires from disk and from a URL", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "keystone-bundle-" });
  await using _folder = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
  await bundle({ output: `${folder}/keystone.js` });
  await t.step("from disk", () => smoke(folder, ["--no-remote", `${folder}/keystone.js`]));
  await t.step("every kind of file", () => validateAll(folder));
  await t.step("from a URL", async () => {
    const code = await Deno.readTextFile(`${folder}/keystone.js`);
    await using site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
      return new Response(code, { headers: { "Content-Type": "text/javascript" } });
    });
    await smoke(folder, [`http://127.0.0.1:${site.addr.port}/keystone.js`]);
  });
});

Deno.test("a gateway in the background takes no project that its bundle lies in for its own", async () => {
  const folder = await Deno.makeTempDir({ prefix: "keystone-bundle-" });
  await using _folder = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
  await bundle({ output: `${folder}/keystone.js` });
  await Deno.writeTextFile(`${folder}/deno.json`, "broken");
  const keystone = async (...args: string[]) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", ...RUN_FLAGS, `${folder}/keystone.js`, ...args, "--stateDir", `${folder}/state`],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    return { code, stderr: new TextDecoder().decode(stderr) };
  };
  const serving = ["--port", "0", "--no-try-at-start", "--stdio", "cat"];
  assert.deepEqual(await keystone("start", ...serving), { code: 0, stderr: "" });
  assert.equal((await keystone("stop")).code, 0);
});

const ISOLATED = ["--no-config", "--no-lock", "--no-npm", "--quiet"];

/** The parsers are in the bundle, though they are loaded only for such a file. */
async function validateAll(folder: string): Promise<void> {
  const texts = {
    toml: '[servers.a]\ncommand = "x"\n',
    yaml: "servers: { a: { command: x } }\n",
    json: '{ "mcpServers": { "a": { "command": "x" } } }',
  };
  for (const [extension, text] of Object.entries(texts)) {
    const file = `${folder}/a.${extension}`;
    await Deno.writeTextFile(file, text);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", ...ISOLATED, ...PERMISSIONS, `${folder}/keystone.js`, "config", "validate", file],
      env: { DENO_DIR: `${folder}/cache` },
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(said, `${file}: ok, 1 server\n`);
  }
}

/** A call on each wire, then the end. Keystone's cache is empty and packages are off limits: it has nothing but itself. */
async function smoke(folder: string, program: readonly string[]): Promise<void> {
  await using keystone = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", ...ISOLATED, ...PERMISSIONS, ...program],
      ...["--port", "0", "--stateful", "--logLevel", "warn"],
      ...["--env", `DENO_DIR=${await packageCache()}`, "--", ...EVERYTHING],
    ],
    cwd: folder,
    env: { NO_COLOR: "1", DENO_DIR: `${folder}/cache` },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const urls = await readUrls(keystone.stdout);
  await Promise.all(WIRES.map((wire) => callTool(urls, wire)));
  keystone.kill("SIGTERM");
  assert.equal((await keystone.status).code, 0);
}

/** Where the server finds its packages. */
async function packageCache(): Promise<string> {
  const { stdout } = await runDeno(["info", "--json"]);
  const info: { denoDir: string } = JSON.parse(stdout);
  return info.denoDir;
}

async function readUrls(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Keystone> {
  let banner = "";
  for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
    banner += text;
    if (/\n}\n/.test(banner)) break;
  }
  const url = (label: Wire) => banner.match(new RegExp(`${label} +(\\S+)`))?.[1];
  // All that a client needs to know of it.
  return { mcp: url("Streamable HTTP"), sse: url("SSE"), ws: url("WebSocket") } as Keystone;
}

async function callTool(keystone: Keystone, wire: Wire): Promise<void> {
  await using connected = await connect(keystone, wire);
  assert.equal(connected.client.getServerVersion()?.name, "mcp-servers/everything");
  const { content } = await connected.client.callTool({ name: "get-sum", arguments: { a: 20, b: 22 } });
  assert.deepEqual(content, [{ type: "text", text: "The sum of 20 and 22 is 42." }]);
}
