/** The self-extracting executable of this system, with the real Deno in it, where there is no Deno. */
import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { bundle } from "../../scripts/bundle.ts";
import { descendants, SCRIPTED, TextLog } from "../support/keystone.ts";
import { PackedFile, SELF_EXTRACTS } from "../support/packed_file.ts";
import { running } from "../support/processes.ts";
import { answer, beginSession, callTool, initialize, post } from "../support/rpc.ts";

const VERSION = { code: 0, signal: null, stdout: `${project.version}\n`, stderr: "" };
const NO_USER_FILES = { XDG_CONFIG_HOME: "/dev/null" };
const SERVING = ["--port", "0", "--no-try-at-start"];

Deno.test({
  name: "the self-extracting executable (needs Linux or macOS)",
  ignore: !SELF_EXTRACTS,
  async fn(t) {
    await using file = await packed();
    await t.step("leaves one copy when it is started six times at once", () => startAtOnce(file));
    await t.step("starts with an empty environment in an empty folder", () => startWithNothing(file));
    await t.step("serves, and is stopped by a signal to the process that was started", () => serve(file));
    await t.step("speaks MCP over stdin and stdout", () => relay(file));
    await t.step("refuses a wrong flag in one line", () => refuse(file));
    await t.step("repairs a damaged copy", () => repair(file));
    await t.step("keeps the copy of a gateway in the background until that has ended", () => keep(file));
  },
});

async function packed(): Promise<PackedFile> {
  const folder = await Deno.makeTempDir();
  try {
    await bundle({ output: `${folder}/keystone.js` });
    const { version } = project;
    return await PackedFile.create({ deno: Deno.execPath(), bundle: `${folder}/keystone.js`, version });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function startAtOnce(file: PackedFile): Promise<void> {
  const ended = await Promise.all(Array.from({ length: 6 }, () => file.run(["--version"])));
  assert.deepEqual(ended, Array(6).fill(VERSION));
  assert.match((await file.cached()).join(), wholeCopy());
}

function wholeCopy(): RegExp {
  return new RegExp(`^v${RegExp.escape(project.version)}-[0-9a-f]{8} deno keystone\\.js$`);
}

async function startWithNothing(file: PackedFile): Promise<void> {
  const cwd = await Deno.makeTempDir({ dir: file.folder });
  const launcher = ["/usr/bin/env", "-i", `KEYSTONE_CACHE=${file.cache}`];
  assert.deepEqual(await file.run(["--version"], { launcher, cwd }), VERSION);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(cwd)), []);
}

async function serve(file: PackedFile): Promise<void> {
  const path = `${file.folder}/a link`;
  await Deno.symlink(file.path, path);
  const child = file.spawn([...SERVING, "--stateful", "--", ...SCRIPTED], { path, env: NO_USER_FILES });
  const [out, err] = [new TextLog(child.stdout), new TextLog(child.stderr)];
  let servers: number[] = [];
  try {
    const banner = await out.matching(/\n}\n/);
    const mcp = banner.match(/Streamable HTTP +(\S+)/)?.[1] ?? "";
    const session = await beginSession(mcp);
    const { result } = await answer(await post(mcp, callTool(1, "echo", { text: "hi" }), { session }));
    assert.equal(result.structuredContent.text, "hi");
    servers = await descendants(child.pid);
    assert.equal(servers.length, 1);
  } finally {
    child.kill("SIGTERM");
  }
  assert.equal((await child.status).code, 0);
  await Promise.all([out.ended, err.ended]);
  assert.deepEqual(await running(servers), []);
}

async function relay(file: PackedFile): Promise<void> {
  const flags = ["--outputTransport", "stdio", "--no-try-at-start"];
  const child = file.spawn([...flags, "--", ...SCRIPTED], { env: NO_USER_FILES, stdin: "" });
  const [out, err] = [new TextLog(child.stdout), new TextLog(child.stderr)];
  const writer = child.stdin.getWriter();
  const ask = (message: unknown) => writer.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
  await ask(initialize());
  await out.matching(/^\{.*"id":0.*\}\n/);
  await ask(callTool(1, "echo", { text: "hi" }));
  await out.matching(/^\{.*"id":1.*\}\n/m);
  await writer.close();
  assert.equal((await child.status).code, 0, err.text);
  await Promise.all([out.ended, err.ended]);
  for (const line of out.text.trimEnd().split("\n")) assert.equal(JSON.parse(line).jsonrpc, "2.0");
}

async function refuse(file: PackedFile): Promise<void> {
  const { code, stdout, stderr } = await file.run(["--wrong"], { env: NO_USER_FILES });
  assert.deepEqual([code, stdout, stderr], [2, "", "keystone: --wrong: unknown flag, see --help\n"]);
}

async function repair(file: PackedFile): Promise<void> {
  const [copy = ""] = (await file.cached()).join().split(" ");
  await Deno.truncate(`${file.cache}/${copy}/deno`, 1_000_000);
  assert.deepEqual(await file.run(["--version"]), VERSION);
  assert.match((await file.cached()).join(), wholeCopy());
}

/** What stands for another version is another program in the same cache. */
async function keep(file: PackedFile): Promise<void> {
  const other = await otherVersion(file);
  const env = { ...NO_USER_FILES, KEYSTONE_STATE_DIR: `${file.folder}/state` };
  const [copy = ""] = await file.cached();
  const started = await file.run(["start", ...SERVING, "--", ...SCRIPTED], { env });
  assert.equal(started.code, 0, started.stderr);
  try {
    assert.equal((await file.run([], { path: other })).code, 0);
    assert.equal((await file.cached()).includes(copy), true, "removed while it was used");
    assert.equal((await file.run(["health"], { env })).stdout, "ok\n");
  } finally {
    assert.equal((await file.run(["stop"], { env })).code, 0);
  }
  assert.equal((await file.run([], { path: other })).code, 0);
  assert.deepEqual((await file.cached()).map((entry) => entry.slice(0, 4)), ["v9.9"]);
}

async function otherVersion(file: PackedFile): Promise<string> {
  const [deno, bundle, path] = ["script", "keystone.js", "other"].map((name) => `${file.folder}/${name}`);
  await Deno.writeTextFile(deno!, "#!/bin/sh\n", { mode: 0o755 });
  await Deno.writeTextFile(bundle!, "");
  await file.pack(path!, { deno: deno!, bundle: bundle!, version: "9.9.9" });
  return path!;
}
