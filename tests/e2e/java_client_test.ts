/** Java's HttpClient with its defaults, which asks for `Upgrade: h2c` with each request: a server may ignore that. */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";
import { inTime } from "../contract/deadline.ts";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { printedBy } from "../support/programs.ts";

const FIXTURE = fromFileUrl(new URL("../fixtures/DefaultClient.java", import.meta.url));
/** Compiles a file as it runs it. */
const JAVA = await javaVersion() >= 11;
const PONG = '{"jsonrpc":"2.0","id":1,"result":{}}';

/** A line of the client's for each step. */
async function played(gateway: Keystone, steps: readonly string[]): Promise<string[]> {
  const { success, stdout, stderr } = await inTime(
    new Deno.Command("java", { args: [FIXTURE, ...steps], stdin: "null" }).output(),
    "The Java client",
  );
  const text = new TextDecoder().decode(stdout);
  assert.ok(success, new TextDecoder().decode(stderr) + text + gateway.stderr());
  return text.trim().split("\n");
}

javaTest("a Java client gets its answers on every route, whatever it wishes for beside", async () => {
  const flags = ["--outputTransport", "streamableHttp,sse,ws"];
  await using gateway = await startKeystone(flags, { server: SCRIPTED });
  const { mcp, sse, ws } = gateway;
  const health = new URL("/health", mcp).href;
  const steps = [
    ...[`GET ${health}`, `post ${mcp}`, `post ${mcp}`, `chunked ${mcp}`, `chunked ${mcp}`],
    ...[`expect ${mcp}`, `post ${mcp}`, `listen ${sse}`, `message ${sse}`, `socket ${ws}`, `PUT ${mcp}`],
  ];
  const [healthy, ...lines] = await played(gateway, steps);
  assert.match(healthy ?? "", /^200 HTTP_1_1 {"status":"ok"/);
  const posted = `200 HTTP_1_1 ${PONG}`;
  assert.deepEqual(lines.slice(0, 6), [posted, posted, posted, posted, posted, posted]);
  assert.match(lines[6] ?? "", /^200 HTTP_1_1 event: endpoint data: /);
  assert.equal(lines[7], "202 HTTP_1_1 Accepted");
  assert.equal(lines[8], `101 ${PONG}`);
  assert.match(lines[9] ?? "", /^405 HTTP_1_1 /);
});

javaTest("a Java client has a session, listens in it and ends it", async () => {
  await using gateway = await startKeystone(["--stateful"], { server: SCRIPTED });
  const { mcp } = gateway;
  const lines = await played(gateway, [
    ...[`initialize ${mcp}`, `post ${mcp}`, `chunked ${mcp}`, `DELETE ${mcp}`, `post ${mcp}`],
  ]);
  const [begun, ...rest] = lines.map((line) => line.slice(0, `200 HTTP_1_1 ${PONG}`.length));
  assert.match(begun ?? "", /^200 HTTP_1_1 {"jsonrpc":"2.0","id":1,"result":/);
  assert.deepEqual(rest.slice(0, 2), [`200 HTTP_1_1 ${PONG}`, `200 HTTP_1_1 ${PONG}`]);
  assert.match(rest[2] ?? "", /^200 HTTP_1_1/);
  assert.match(rest[3] ?? "", /^404 HTTP_1_1/);
});

function javaTest(name: string, fn: () => Promise<void>): void {
  const why = JAVA ? "" : " (skipped: there is no Java of version 11 or later here)";
  Deno.test({ name: name + why, ignore: !JAVA, fn });
}

/** 0 where there is none. */
async function javaVersion(): Promise<number> {
  return Number(/version "(\d+)/.exec(await printedBy("java", "-version") ?? "")?.[1] ?? 0);
}
