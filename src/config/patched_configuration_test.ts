import assert from "node:assert/strict";
import { parsed, refusalOf } from "../../tests/support/config.ts";
import { configFolder } from "../../tests/support/config_folder.ts";
import { effectiveConfiguration } from "./effective.ts";
import type { ConfigPatch } from "./file/patch.ts";
import { commandTextOf } from "./server_input.ts";

const FILE = `
[timeouts]
request = "9s"
[servers.files]
command = "run"
args = ["old"]
env = { A = "1", B = "1" }
requestTimeout = "8s"
[servers.other]
command = "other"
`;

async function withPatch(patch: ConfigPatch, argv: readonly string[] = []) {
  await using folder = await configFolder({ "keystone.toml": FILE });
  return await parsed(argv, { ...folder.around(), patch });
}

async function refusal(patch: ConfigPatch, argv: readonly string[] = []): Promise<string> {
  await using folder = await configFolder({ "keystone.toml": FILE });
  return await refusalOf(argv, { ...folder.around(), patch });
}

Deno.test("parseArgs has a patch go before flags and the file, of one server and of all", async () => {
  const patch = { servers: { files: { requestTimeout: "1s" } }, limits: { maxSessions: 7 } };
  const { config } = await withPatch(patch, ["--requestTimeout", "5s", "--maxSessions", "3"]);
  assert.deepEqual(
    [...config.servers.values()].map(({ requestTimeoutMs, maxSessions }) => [requestTimeoutMs, maxSessions]),
    [[1_000, 7], [5_000, 7]],
  );
});

Deno.test("parseArgs adds the variables of a patch to those of flags and file, each by its name", async () => {
  const patch = { servers: { files: { env: { A: "3" } } } };
  const { given } = await withPatch(patch, ["--env", "B=2"]);
  const pairs = given.servers.get("files")?.raw.env as string[];
  assert.deepEqual(Object.fromEntries(pairs.map((pair) => pair.split("="))), { A: "3", B: "2" });
});

Deno.test("parseArgs has a patch change what a server is, add one and switch one off", async () => {
  const { config } = await withPatch({
    servers: {
      files: { args: ["new"] },
      fresh: { url: "http://127.0.0.1:9/mcp" },
      other: { disabled: true },
    },
  });
  assert.deepEqual([...config.servers.keys()], ["files", "fresh"]);
  const server = config.servers.get("files")?.server;
  assert(server?.kind === "command");
  assert.equal(commandTextOf(server), "run new");
});

Deno.test("effectiveConfiguration calls what a patch has set runtime, and shows no secret of it", async () => {
  const outcome = await withPatch({
    timeouts: { request: "1s" },
    servers: {
      files: { env: { A: "s3cret" } },
      fresh: { url: "http://127.0.0.1:9/mcp" },
      other: { args: ["more"] },
    },
  });
  const effective = effectiveConfiguration(outcome);
  assert.deepEqual(effective.sections.timeouts?.request, { value: "1s", source: "runtime" });
  assert.equal(effective.servers.fresh?.url?.source, "runtime");
  assert.equal(effective.servers.files?.command?.source, "keystone.toml:5");
  assert.equal(effective.servers.other?.command?.source, "runtime");
  assert.equal(effective.servers.fresh?.type?.source, "default");
  assert.deepEqual(effective.servers.files?.env?.sources, { A: "runtime", B: "keystone.toml:7" });
  assert.doesNotMatch(JSON.stringify(effective), /s3cret/);
});

Deno.test("parseArgs refuses a patch with all that is wrong with it, and gives it no place in the file", async () => {
  const text = await refusal({
    timeouts: { request: "soon" },
    nonsense: {},
    servers: { files: { env: { A: ["s3cret"] }, childen: 1 }, fresh: { requestTimeout: "2s" } },
  });
  assert.match(text, /^timeouts\.request "soon": expected/m);
  assert.match(text, /^nonsense: unknown section/m);
  assert.match(text, /^servers\.files\.env\.A: expected a text/m);
  assert.match(text, /^servers\.files\.childen: unknown key, did you mean children\?/m);
  assert.match(text, /^servers\.fresh: expected command, with args, or url/m);
  assert.doesNotMatch(text, /s3cret|keystone\.toml/);
});

Deno.test("parseArgs takes a patch where there is no file, and leaves a server of flags alone there", async () => {
  const argv = ["--stdio", "run", "--config", "none"];
  const { config, file } = await parsed(["--stdio", "run", "--maxSessions", "3"], {
    patch: { limits: { maxSessions: 9 } },
  });
  assert.deepEqual([[...config.servers.values()][0]?.maxSessions, file?.place], [9, undefined]);
  const text = await refusalOf(argv.slice(0, 2), { patch: { servers: { fresh: { command: "x" } } } });
  assert.match(text, /More than one server given, --stdio and those of PATCH \/config \(fresh\)/);
});
