/** Which of several sources gives a value, and what each value is said to come from. */
import assert from "node:assert/strict";
import { configFolder } from "../../tests/support/config_folder.ts";
import { layered, sourceOf } from "./layers.ts";
import { optionEntries } from "./options.ts";

const FILE = `
[listen]
port = 1
[timeouts]
request = "1s"
[limits]
maxSessions = 1
[children]
env = { A = "section", B = "section" }
[servers.one]
command = "one"
requestTimeout = "2s"
env = { B = "server", C = "server" }
[servers.two]
command = "two"
`;

interface Layers {
  readonly flags?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly file?: string;
}

async function outcomeOf({ flags = [], variables = {}, file = FILE }: Layers = {}) {
  await using folder = await configFolder({ "keystone.toml": file });
  const outcome = await folder.parse(flags, variables);
  const [one, two] = [outcome.config.servers.get("one"), outcome.config.servers.get("two")];
  assert(one && two);
  return { outcome, one, two, port: outcome.config.process.listen.port };
}

Deno.test("parseArgs takes a value from the file before the default, and a server's own before that of all", async () => {
  const { one, two, port } = await outcomeOf();
  assert.deepEqual([port, one.maxSessions, two.maxSessions], [1, 1, 1]);
  assert.deepEqual([one.requestTimeoutMs, two.requestTimeoutMs], [2_000, 1_000]);
  // Nobody has said anything of it.
  assert.deepEqual([one.maxChildren, two.maxChildren], [100, 100]);
});

Deno.test("parseArgs takes a variable before the file, for each server", async () => {
  const variables = { KEYSTONE_PORT: "2", KEYSTONE_REQUEST_TIMEOUT: "3s" };
  const { one, two, port } = await outcomeOf({ variables });
  assert.deepEqual([port, one.requestTimeoutMs, two.requestTimeoutMs], [2, 3_000, 3_000]);
});

Deno.test("parseArgs takes a flag before a variable and the file", async () => {
  const variables = { KEYSTONE_PORT: "2", KEYSTONE_REQUEST_TIMEOUT: "3s" };
  const { one, two, port } = await outcomeOf({ variables, flags: ["--port", "3", "--requestTimeout", "4s"] });
  assert.deepEqual([port, one.requestTimeoutMs, two.requestTimeoutMs], [3, 4_000, 4_000]);
});

Deno.test("parseArgs puts variables and headers together from all sources, name by name", async () => {
  const { one, two } = await outcomeOf({
    variables: { KEYSTONE_ENV: "C=variable\nD=variable" },
    flags: ["--env", "D=flag"],
  });
  assert.deepEqual(one.env, { A: "section", B: "server", C: "variable", D: "flag" });
  assert.deepEqual(two.env, { A: "section", B: "section", C: "variable", D: "flag" });
});

Deno.test("parseArgs knows where each value comes from, for all servers and for each", async () => {
  const { outcome: { given, origins, nameOf } } = await outcomeOf({
    variables: { KEYSTONE_MAX_CHILDREN: "5" },
    flags: ["--stopTimeout", "1s", "--env", "D=flag"],
  });
  const source = (key: string, server?: string) => {
    const from = server === undefined ? given.shared : given.servers.get(server);
    return sourceOf(from?.givenBy(key), key);
  };
  assert.deepEqual(["port", "maxChildren", "stopTimeout", "host"].map((key) => source(key)), [
    "keystone.toml:3",
    "KEYSTONE_MAX_CHILDREN",
    "--stopTimeout",
    "default",
  ]);
  assert.deepEqual([source("requestTimeout", "one"), source("requestTimeout", "two")], [
    "keystone.toml:12",
    "keystone.toml:5",
  ]);
  assert.deepEqual([origins.get("port"), origins.get("maxChildren"), origins.get("stopTimeout")], [
    "file",
    "environment",
    "flag",
  ]);
  const env = given.servers.get("one")!;
  assert.deepEqual([0, 2, 4].map((index) => sourceOf(env.givenBy("env", index), "env")), [
    "keystone.toml:9",
    "keystone.toml:13",
    "--env",
  ]);
  // What nobody gives is called as where the rest is.
  assert.deepEqual(["port", "cwd", "maxBodySize", "maxChildren"].map(nameOf), [
    "listen.port",
    "children.cwd",
    "limits.maxBodySize",
    "KEYSTONE_MAX_CHILDREN",
  ]);
});

Deno.test("layered lets the last of all sources win for every option", () => {
  const sources = ["file", "environment", "flag", "runtime"] as const;
  for (const [key] of optionEntries()) {
    const layers = sources.map((origin) => ({
      origin,
      values: { [key]: origin },
      nameOf: () => `${origin} ${key}`,
    }));
    for (const count of [1, 2, 3, 4]) {
      const { raw, origins, nameOf } = layered(layers.slice(0, count));
      const last = sources[count - 1]!;
      assert.deepEqual([raw[key], origins.get(key), nameOf(key)], [last, last, `${last} ${key}`]);
    }
  }
});

Deno.test("parseArgs names in what is wrong the source that gave the value", async () => {
  await using folder = await configFolder({ "keystone.toml": "[listen]\nport = 70000\n" });
  const stdio = ["--stdio", "x"];
  assert.match(await folder.refusal(stdio), /^keystone.toml:2:1: listen.port 70000: expected/);
  assert.match(await folder.refusal(stdio, { KEYSTONE_PORT: "a" }), /^KEYSTONE_PORT "a": expected/);
  assert.match(
    await folder.refusal([...stdio, "--port", "b"], { KEYSTONE_PORT: "a" }),
    /^--port "b": expected/,
  );
});
