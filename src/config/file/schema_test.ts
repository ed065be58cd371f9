import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { BAD_CONFIGURATIONS } from "../../../tests/support/bad_configurations.ts";
import { readDocument } from "../document/document.ts";
import { isServerOption, optionEntries } from "../options.ts";
import { sectionEntries, serverKeyName } from "./places.ts";
import { fileSchema } from "./schema.ts";

const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true })
  .compile(fileSchema());

function faultsOf(value: unknown): string[] {
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

Deno.test("fileSchema accepts the example of the documentation", async () => {
  const docs = await Deno.readTextFile(new URL("../../../docs/configuration.md", import.meta.url));
  const [, toml = ""] = /```toml\n([^]*?)```/.exec(docs) ?? [];
  const reading = await readDocument(toml, "toml");
  assert(reading.kind === "document" && toml.includes("[servers."));
  assert.deepEqual(faultsOf(reading.document.value), []);
});

Deno.test("fileSchema accepts what the other forms of a value are", () => {
  const value = parse(`
$schema: https://example.com/x
inputs: []
listen: { port: "\${PORT}", host: { file: host.txt }, allowedHost: a.example }
clients: { stateful: "\${S:-true}", outputTransport: "sse,ws" }
log: { level: "\${LEVEL}" }
timeouts: { request: 5000, call: { slow: 5m } }
servers:
  a: { command: x, args: [a, 1, { file: b }], env: { A: 1, B: true, C: { file: c } }, requestTimeout: 5s }
  b: { url: "https://h/", type: http, headers: { A: b }, disabled: true, description: d }
  c: { disabled: true }
mcpServers: { d: { command: x, alwaysAllow: [] } }
`);
  assert.deepEqual(faultsOf(value), []);
});

Deno.test("fileSchema has each default as a value that it accepts, and a description of every option", () => {
  const schema = JSON.parse(JSON.stringify(fileSchema()));
  for (const [section, names] of sectionEntries()) {
    for (const [name, key] of names) {
      const { description, default: value } = schema.properties[section].properties[name];
      assert(
        description.length > 3 && !/[{}]/.test(description.replace("{a,b}", "")),
        `${key}: ${description}`,
      );
      if (value !== undefined) assert.deepEqual(faultsOf({ [section]: { [name]: value } }), [], key);
    }
  }
  const own = optionEntries().map(([key]) => key).filter(isServerOption).map(serverKeyName);
  for (const key of own) assert(key in schema.$defs.server.properties, key);
});

Deno.test("fileSchema refuses much of what the program refuses", async () => {
  const told: string[] = [];
  for (const { what, text, extension = "toml" } of BAD_CONFIGURATIONS) {
    const reading = await readDocument(text, extension);
    if (reading.kind === "document" && faultsOf(reading.document.value).length > 0) told.push(what);
  }
  for (
    const what of [
      ...[
        "a section that is misspelt",
        "a name in a section that is misspelt",
        "a truth in place of a number",
      ],
      ...["a level that there is none of", "a list that is a number", "a server without anything"],
      ...["arguments that are a text", "variables that are a number", "a description that is a number"],
    ]
  ) assert(told.includes(what), `${what}: ${told.join(", ")}`);
});
