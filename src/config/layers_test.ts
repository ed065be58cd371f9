import assert from "node:assert/strict";
import { flags } from "../../tests/support/config.ts";
import { type Layer, layered } from "./layers.ts";
import { resolve } from "./resolve.ts";

const FILE: Layer = {
  origin: "file",
  values: { port: 9000, host: "::1", stdio: "of the file" },
  nameOf: (key) => `servers.x.${key}`,
};

Deno.test("layered takes each value from the last layer that gives it, and knows which that was", () => {
  const { raw, origins } = layered([FILE, flags({ port: "1", cwd: undefined })]);
  assert.deepEqual([raw.port, raw.host, raw.cwd], ["1", "::1", undefined]);
  assert.deepEqual([origins.get("port"), origins.get("host"), origins.get("cwd")], [
    "flag",
    "file",
    "default",
  ]);
});

Deno.test("resolve tells where each value comes from", () => {
  const resolution = resolve([FILE, flags({ port: "1" })]);
  assert(resolution.kind === "resolved");
  const { config, origins } = resolution;
  assert.deepEqual([config.process.listen.port, config.process.listen.host], [1, "::1"]);
  assert.deepEqual([origins.get("port"), origins.get("stdio"), origins.get("logLevel")], [
    ...["flag", "file", "default"],
  ]);
});

Deno.test("resolve tells all problems at once, each by the name that its option has where it was given", () => {
  const file = { ...FILE, values: { ...FILE.values, maxSessions: -1, header: ["A: 1", "s3cret"] } };
  const resolution = resolve([file, flags({ port: "abc" })]);
  assert(resolution.kind === "refused");
  assert.deepEqual(resolution.problems.map(({ option, text }) => [option, text]), [
    ["port", '--port "abc": expected a whole number from 0 to 65535'],
    ["maxSessions", "servers.x.maxSessions -1: expected a whole number of at least 1"],
    ["header", 'servers.x.header (value 2): expected "Name: value", with a name and a colon'],
  ]);
});

Deno.test("resolve asks all rules once each value can be read", () => {
  const resolution = resolve([
    flags({ tlsCert: "c.pem", prewarm: "5", maxChildren: "5", exitOnFailure: true }),
  ]);
  assert(resolution.kind === "refused");
  assert.deepEqual(resolution.problems.map(({ option }) => option), [undefined, "tlsCert", "prewarm"]);
  assert.match(resolution.problems[0]!.text, /^No server given/);
});
