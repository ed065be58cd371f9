import assert from "node:assert/strict";
import * as z from "zod";
import { findOption, optionEntries, options } from "./options.ts";

Deno.test("options give every default, parsed, from nothing", () => {
  const { port, sessionTimeout, maxBodySize, outputTransport, requestTimeout } = options.parse({});
  assert.deepEqual({ port, sessionTimeout, maxBodySize }, {
    port: 8000,
    sessionTimeout: 1_800_000,
    maxBodySize: 4_194_304,
  });
  // The default depends on the server.
  assert.equal(outputTransport, undefined);
  assert.equal(requestTimeout, undefined);
});

Deno.test("options take the natural values of a file as well as text", () => {
  const { port, stateful, healthEndpoint } = options.parse({
    port: 9,
    stateful: true,
    healthEndpoint: ["/a"],
  });
  assert.deepEqual({ port, stateful, healthEndpoint }, { port: 9, stateful: true, healthEndpoint: ["/a"] });
});

Deno.test("options can be written as a JSON Schema with the defaults that users write", () => {
  const { properties = {} } = z.toJSONSchema(options, { io: "input" });
  assert.deepEqual(Object.keys(properties), optionEntries().map(([key]) => key));
  assert.deepEqual(properties["maxBodySize"], { default: "4m", type: ["string", "number"] });
});

const SWITCHES = [
  ...["stateful", "exitWithParent", "watch", "runtimePrompt"],
  ...["allowPrivateRedirects", "tryAtStart", "exitOnFailure"],
  ...["unauthenticated", "authOptional", "apiKeyInQuery", "tlsSelfSigned", "auditArguments"],
];

Deno.test("optionEntries describe every option, and only a switch has no value", () => {
  for (const [key, meta] of optionEntries()) {
    assert(meta.description.length > 0, key);
    for (const [, named = ""] of meta.description.matchAll(/\{(\w+)\}/g)) assert(findOption(named), named);
    assert.equal(
      meta.value === undefined,
      SWITCHES.includes(key),
      key,
    );
    assert.equal(meta.list !== undefined, Array.isArray(options.shape[key].safeParse([]).data), key);
  }
});

Deno.test("findOption knows the names of the table and no others", () => {
  assert.equal(findOption("port")?.default, 8000);
  assert.equal(findOption("constructor"), undefined);
  assert.equal(findOption("output-transport"), undefined);
});

Deno.test("the README names every option of the table", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const missing = optionEntries().filter(([key]) => !new RegExp(`--${key}\\b`).test(readme));
  assert.deepEqual(missing.map(([key]) => key), []);
});
