/**
 * The container, without an engine: what deploy/Dockerfile does is done in a folder, and what it starts is started there.
 * The file of the release is stood in for by one that does as those do: it unpacks itself into KEYSTONE_CACHE.
 */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { splitCommandLine } from "../../src/config/command_line.ts";
import { PERMISSIONS, RUN_FLAGS } from "../../scripts/compile.ts";
import { bundle } from "../../scripts/bundle.ts";
import { ROOT } from "../../scripts/run_deno.ts";
import { VERSION } from "../../scripts/ship/release_version.ts";
import { v2 } from "../support/clients.ts";
import { SCRIPTED, startKeystone } from "../support/keystone.ts";
import { ScratchImage } from "../support/scratch_image.ts";

const DOCKERFILE = await Deno.readTextFile(`${ROOT}/deploy/Dockerfile`);
const isUnix = Deno.build.os !== "windows";
const DEBIAN = /^FROM debian:trixie-\d+-slim@sha256:[0-9a-f]{64}$/;

Deno.test({
  name:
    "the container does as deploy/Dockerfile says, as far as that goes without an engine (needs a POSIX shell)",
  ignore: !isUnix,
  async fn(t) {
    await using context = await buildContext(SELF_EXTRACTING);
    await using image = await build("base", context);
    await t.step("all is executed but for what wants another image or root", () => {
      const [first = "", second = "", ...others] = image.skipped.toSorted();
      assert.match(first, DEBIAN);
      assert.equal(second, first);
      assert.match(others[0] ?? "", /^RUN apt-get update && apt-get install -y .* && useradd --uid 10001 /);
      assert.deepEqual(others.slice(1), ["USER 10001:10001"]);
    });
    await t.step("its command has the permissions of a binary, and no others", () => hasPermissions(image));
    await t.step("a command of Keystone is run as it is", () => runsCommands(image));
    await t.step("what serves is served, to whoever has the key", () => servesWithKey(image));
    await t.step("who may call is left to whoever says so", () => servesAsToldBy(image));
    await t.step("a remote server is served on stdin", () => servesOnStdin(image));
  },
});

Deno.test({
  name: "the container takes a binary of deno compile as it is (needs a POSIX shell)",
  ignore: !isUnix,
  async fn() {
    await using context = await buildContext(COMPILED);
    await using image = await build("base", context);
    assert.equal(await Deno.readTextFile(image.path("/usr/local/bin/keystone")), await context.artefact());
    assert.equal((await image.exec(["keystone", "--version"])).stdout, `${VERSION}\n`);
  },
});

Deno.test({
  name: "the container's other stages add a toolchain to base, and nothing else (needs a POSIX shell)",
  ignore: !isUnix,
  async fn() {
    await using context = await buildContext(SELF_EXTRACTING);
    await using image = await build("uv", context);
    const added = image.skipped.slice(image.skipped.findIndex((one) => one.startsWith("USER 10001")) + 1);
    assert.deepEqual(added.map((one) => one.split(" ").slice(0, 2).join(" ")), [
      "USER 0:0",
      "RUN apt-get",
      "COPY --from=node-files",
      "COPY --from=node-files",
      "RUN ln",
      "USER 10001:10001",
      "USER 0:0",
      "RUN apt-get",
      "COPY --from=uv-files",
      "RUN uv",
      "USER 10001:10001",
    ]);
    assert.equal((await image.exec(["keystone", "--version"])).stdout, `${VERSION}\n`);
  },
});

async function hasPermissions(image: ScratchImage): Promise<void> {
  const command = await Deno.readTextFile(image.path("/usr/local/bin/keystone"));
  const flags = /\/deno run (.*) \S+keystone\.js "\$@"$/m.exec(command)?.[1];
  assert.equal(flags, RUN_FLAGS.join(" "));
}

async function runsCommands(image: ScratchImage): Promise<void> {
  assert.deepEqual(await ran(image, ["--version"]), { code: 0, stdout: `${VERSION}\n`, stderr: "" });
  const keys = await ran(image, ["keys", "list"]);
  assert.equal(keys.code, 0);
  assert.equal(keys.stderr, `There are no keys in ${image.path("/data/keystone/api-keys.json")}\n`);
  const config = await ran(image, ["client-config", "--client", "cursor", "https://host/mcp"]);
  const { command, args } = JSON.parse(config.stdout).mcpServers.host;
  const words = ["docker", "run", "--interactive", "--rm", "keystone:base", "https://host/mcp"];
  assert.deepEqual([command, ...args], words);
  assert.doesNotMatch(config.stderr, /KEYSTONE_HOST/);
  const wrong = await ran(image, ["--frobnicate"]);
  assert.deepEqual(wrong, {
    code: 2,
    stdout: "",
    stderr: "keystone: --frobnicate: unknown flag, see --help\n",
  });
}

async function servesWithKey(image: ScratchImage): Promise<void> {
  const words = await composedWords();
  {
    await using container = image.start(words);
    const mcp = await served(container);
    assert.match(
      container.log.text,
      /^keystone: Callers need an API key, .* docker exec .* keystone show-key\n/,
    );
    await assert.rejects(echoed(mcp), /Unauthorized/);
    const key = (await image.exec(["keystone", "show-key"])).stdout.trim();
    assert.doesNotMatch(container.log.text + container.out.text, new RegExp(RegExp.escape(key)));
    assert.equal(await echoed(mcp, { Authorization: `Bearer ${key}` }), "hello");
    // Other containers know it by the name of its service.
    const named = await statusAsNamed(mcp, "tools", key);
    assert.notEqual(named, 403);
    assert.deepEqual(await image.health(), { code: 0, stdout: "ok\n", stderr: "" });
    assert.equal(await container.stop(), 0);
    assert.equal((await image.health()).code, 1);
  }
  const key = (await image.exec(["keystone", "show-key"])).stdout.trim();
  await using again = image.start(words);
  // What is in /data is there when the container is made anew.
  assert.equal(await echoed(await served(again), { "X-API-Key": key }), "hello");
}

async function servesAsToldBy(image: ScratchImage): Promise<void> {
  const server = ["--stdio", line(SCRIPTED), "--port", "0"];
  {
    await using container = image.start([...server, "--unauthenticated"]);
    assert.equal(await echoed(await served(container)), "hello");
    assert.doesNotMatch(container.log.text, /API key/);
  }
  {
    await using container = image.start(server, { KEYSTONE_UNAUTHENTICATED: "true" });
    assert.equal(await echoed(await served(container)), "hello");
  }
  const token = "0123456789abcdef0123456789abcdef";
  await Deno.writeTextFile(image.path("/data/tokens"), `me ${token}\n`, { mode: 0o600 });
  const file = {
    auth: { kinds: ["bearer"], bearerTokenFile: image.path("/data/tokens") },
    listen: { port: 0 },
  };
  const servers = { own: { command: SCRIPTED[0], args: SCRIPTED.slice(1) } };
  await Deno.writeTextFile(image.path("/data/own.json"), JSON.stringify({ ...file, servers }));
  await using container = image.start(["./own.json"]);
  assert.equal(await echoed(await served(container), { Authorization: `Bearer ${token}` }), "hello");
  assert.doesNotMatch(container.log.text, /API key/);
}

async function servesOnStdin(image: ScratchImage): Promise<void> {
  await using remote = await startKeystone([], { server: SCRIPTED });
  for (const flags of [["--streamableHttp", remote.mcp], [remote.mcp]]) {
    await using container = image.start(flags);
    const params = {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "x", version: "1" },
    };
    const request = { jsonrpc: "2.0", id: 1, method: "initialize", params };
    await container.write(`${JSON.stringify(request)}\n`);
    assert.match(await container.out.matching(/\n/), /^\{[^\n]*"id":1[^\n]*\}\n/);
    assert.doesNotMatch(container.log.text, /API key|has no effect/);
    assert.equal(await container.closeStdin(), 0);
  }
}

async function ran(image: ScratchImage, words: readonly string[]) {
  await using container = image.start(words);
  const code = await container.closeStdin();
  return { code, stdout: container.out.text, stderr: container.log.text };
}

/** The URL on loopback, whatever address the banner names. */
async function served(
  { out, log }: { out: { matching(pattern: RegExp): Promise<string> }; log: { text: string } },
) {
  const banner = await out.matching(/\n}\n/).catch(() => {
    throw new Error(`It does not serve:\n${log.text}`);
  });
  const url = new URL(/Streamable HTTP +(\S+)/.exec(banner)?.[1] ?? "");
  url.hostname = "127.0.0.1";
  return url.href;
}

async function echoed(mcp: string, headers: Record<string, string> = {}): Promise<unknown> {
  const client = new v2.Client({ name: "keystone-test", version: "1.0.0" });
  const transport = new v2.StreamableHTTPClientTransport(new URL(mcp), { requestInit: { headers } });
  await client.connect(transport);
  const { structuredContent } = await client.callTool({ name: "echo", arguments: { said: "hello" } });
  await client.close();
  return (structuredContent as { said?: unknown } | undefined)?.said;
}

async function statusAsNamed(mcp: string, name: string, key: string): Promise<number> {
  const { hostname, port, pathname } = new URL(mcp);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = `GET ${pathname} HTTP/1.1\r\nHost: ${name}:${port}\r\nAuthorization: Bearer ${key}\r\n`;
  await connection.write(
    new TextEncoder().encode(`${head}Accept: application/json\r\nConnection: close\r\n\r\n`),
  );
  const answer = new Uint8Array(64);
  await connection.read(answer);
  return Number(new TextDecoder().decode(answer).split(" ")[1]);
}

/** The command line of the compose file, which is one of supergateway, with a server that is here and a port that is free. */
async function composedWords(): Promise<string[]> {
  const { services }: { services: { tools: { command: string } } } = parse(
    await Deno.readTextFile(`${ROOT}/deploy/compose.yaml`),
  );
  const command = splitCommandLine(services.tools.command, "linux");
  assert(command.kind === "words");
  const given = new Map([["--stdio", line(SCRIPTED)], ["--port", "0"]]);
  return command.words.map((word, at, words) => given.get(words[at - 1] ?? "") ?? word);
}

/** Words as a command line. */
function line(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(" ");
}

/** Both are given the words that start the bundle. */
const SELF_EXTRACTING = (deno: string, file: string) =>
  `#!/bin/sh
set -eu
folder=$KEYSTONE_CACHE/v0
mkdir -p "$folder"
ln -s ${deno} "$folder/deno"
ln -s ${file} "$folder/keystone.js"
exec ${deno} run ${PERMISSIONS.join(" ")} ${file} "$@"
`;
const COMPILED = (deno: string, file: string) =>
  `#!/bin/sh\nexec ${deno} run ${PERMISSIONS.join(" ")} ${file} "$@"\n`;

/** What `docker build` is given. */
async function buildContext(script: (deno: string, file: string) => string) {
  const folder = await Deno.makeTempDir({ prefix: "keystone-context-" });
  const artefact = `${folder}/dist/keystone-linux-x64`;
  await Deno.mkdir(`${folder}/dist`);
  await Deno.symlink(`${ROOT}/deploy`, `${folder}/deploy`);
  await bundle({ output: `${folder}/keystone.js` });
  await Deno.writeTextFile(artefact, script(`'${Deno.execPath()}'`, `'${folder}/keystone.js'`));
  return {
    folder,
    artefact: () => Deno.readTextFile(artefact),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function build(stage: string, { folder }: { folder: string }): Promise<ScratchImage> {
  return ScratchImage.build(stage, { dockerfile: DOCKERFILE, context: folder, platform: "amd64" });
}
