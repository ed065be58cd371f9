import assert from "node:assert/strict";
import { configFolder } from "../../../tests/support/config_folder.ts";
import { effectiveConfiguration } from "../../config/commands.ts";
import { readDocument } from "../../config/document/document.ts";
import { configurationText } from "./configuration_text.ts";

const FILE = `
[listen]
port = "\${PORT}"
[children]
env = { SHARED = "s3cret" }
[servers.files]
command = "run"
args = ["--api-key", "s3cret", "\${TOKEN}"]
requestTimeout = "2s"
description = "Files"
env = { KEY = "s3cret", OTHER = "\${TOKEN}" }
allowTools = ["a", "\${TOKEN}"]
callTimeout = { slow = "5m", "x_*" = "\${TIME}" }
[servers."far.1"]
url = "https://me:s3cret@host/mcp?key=s3cret"
type = "sse"
headers = { Authorization = "Bearer s3cret" }
oauth2Bearer = { file = "token.txt" }
`;

async function effective(argv: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  await using folder = await configFolder({ "keystone.toml": FILE, "token.txt": "s3cret\n" });
  const all = { PORT: "9000", TOKEN: "s3cret", TIME: "4s", ...variables };
  return effectiveConfiguration(await folder.parse(argv, all));
}

Deno.test("effectiveConfiguration gives each value with its source, and no secret", async () => {
  const { sections, servers } = await effective(["--maxSessions", "7"], { KEYSTONE_LOG_LEVEL: "warn" });
  assert.deepEqual(sections.listen?.port, { value: "${PORT}", source: "keystone.toml:3" });
  assert.deepEqual(sections.listen?.host, { value: "127.0.0.1", source: "default" });
  assert.deepEqual(sections.limits?.maxSessions, { value: "7", source: "--maxSessions" });
  assert.deepEqual(sections.log?.level, { value: "warn", source: "KEYSTONE_LOG_LEVEL" });
  // What nobody has given, and has no default, is left out.
  assert.deepEqual(Object.keys(sections.tls ?? {}), ["selfSigned"]);
  assert.deepEqual(servers.files, {
    command: { value: "run --api-key '***' '${TOKEN}'", source: "keystone.toml:7" },
    description: { value: "Files", source: "keystone.toml:10" },
    env: {
      value: { SHARED: "[REDACTED]", KEY: "[REDACTED]", OTHER: "[REDACTED]" },
      source: "keystone.toml:5, keystone.toml:11",
      sources: { SHARED: "keystone.toml:5", KEY: "keystone.toml:11", OTHER: "keystone.toml:11" },
    },
    allowTools: { value: ["a", "${TOKEN}"], source: "keystone.toml:12" },
    callTimeout: {
      value: { slow: "5m", "x_*": "${TIME}" },
      source: "keystone.toml:13",
      sources: { slow: "keystone.toml:13", "x_*": "keystone.toml:13" },
    },
    requestTimeout: { value: "2s", source: "keystone.toml:9" },
  });
  assert.deepEqual(servers["far.1"], {
    url: { value: "https://host/mcp", source: "keystone.toml:15" },
    type: { value: "sse", source: "keystone.toml:16" },
    headers: {
      value: { Authorization: "[REDACTED]" },
      source: "keystone.toml:17",
      sources: { Authorization: "keystone.toml:17" },
    },
    oauth2Bearer: { value: "[REDACTED]", source: "keystone.toml:18" },
  });
});

Deno.test("effectiveConfiguration names the server of a command line", async () => {
  const { servers } = await effective(["--", "some-server", "--token", "s3cret"]);
  assert.deepEqual(Object.keys(servers), ["some-server"]);
  assert.equal(servers["some-server"]?.command?.source, "command line");
});

Deno.test("configurationText is TOML, with the source behind each value", async () => {
  const configuration = await effective([]);
  const text = configurationText(configuration);
  assert.doesNotMatch(text, /s3cret/);
  assert.match(
    text,
    /^\[servers\.files\.env\]\nSHARED = .* # keystone.toml:5\nKEY = .* # keystone.toml:11$/m,
  );
  assert.match(text, /^port = "\$\{PORT\}" +# keystone.toml:3$/m);
  const reading = await readDocument(text, "toml");
  assert(reading.kind === "document");
  const plain = (values: object) =>
    Object.fromEntries(Object.entries(values).map(([key, { value }]) => [key, value]));
  const { sections, servers } = configuration;
  assert.deepEqual(reading.document.value, {
    ...Object.fromEntries(Object.entries(sections).map(([name, values]) => [name, plain(values)])),
    servers: Object.fromEntries(Object.entries(servers).map(([name, values]) => [name, plain(values)])),
  });
});
