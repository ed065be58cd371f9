import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { readFlags } from "./flags.ts";
import { optionEntries, type RawOptions } from "./options.ts";

function values(...args: string[]): RawOptions {
  const flags = readFlags(args, "1.2.3");
  assert(flags.kind === "values");
  return flags.values;
}

function refusal(...args: string[]): string {
  try {
    readFlags(args, "1.2.3");
  } catch (error) {
    assert(error instanceof ConfigError);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  throw new assert.AssertionError({ message: `${args.join(" ")} was accepted` });
}

Deno.test("readFlags takes each flag in camelCase and kebab-case, with a space and with an equals sign", () => {
  for (const [key, meta] of optionEntries()) {
    const kebab = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const expected = { [key]: meta.list === undefined ? "v" : ["v"] };
    for (const name of [key, kebab]) {
      assert.deepEqual(values(`--${name}`, "v"), expected);
      assert.deepEqual(values(`--${name}=v`), expected);
    }
  }
});

Deno.test("readFlags keeps an equals sign, an empty text and a newline inside a value", () => {
  assert.deepEqual(values("--stdio=a --b=c"), { stdio: "a --b=c" });
  assert.deepEqual(values("--stdio=", "--baseUrl", ""), { stdio: "", baseUrl: "" });
  assert.deepEqual(values("--stdio=a\nb", "--header=A: b\nc"), { stdio: "a\nb", header: ["A: b\nc"] });
});

Deno.test("readFlags gives no value for a flag that is not there", () => {
  assert.deepEqual(values(), {});
});

Deno.test("readFlags lets the last of two equal flags win", () => {
  assert.deepEqual(values("--port", "1", "--port=2"), { port: "2" });
});

Deno.test("readFlags collects lists that are repeated, greedy or both", () => {
  assert.deepEqual(values("--healthEndpoint", "/a", "/b", "--health-endpoint=/c"), {
    healthEndpoint: ["/a", "/b", "/c"],
  });
  assert.deepEqual(values("--header", "A: b", "C: d", "--port", "1"), {
    header: ["A: b", "C: d"],
    port: "1",
  });
  assert.deepEqual(values("--healthEndpoint=/a", "/b"), { healthEndpoint: ["/a", "/b"] });
});

Deno.test("readFlags takes one value for each --env", () => {
  assert.deepEqual(values("--env", "A=1", "--env=B=2"), { env: ["A=1", "B=2"] });
  assert.match(refusal("--env", "A=1", "B=2"), /^Unexpected argument "B…"/);
});

Deno.test("readFlags splits --outputTransport at commas", () => {
  assert.deepEqual(values("--outputTransport", "sse, ws", "--output-transport=streamableHttp"), {
    outputTransport: ["sse", "ws", "streamableHttp"],
  });
});

Deno.test("readFlags takes --cors without a value for any origin", () => {
  assert.deepEqual(values("--cors"), { cors: ["*"] });
  assert.deepEqual(values("--cors", "--port", "1"), { cors: ["*"], port: "1" });
  assert.deepEqual(values("--cors", "https://a", "https://b"), { cors: ["https://a", "https://b"] });
  assert.deepEqual(values("--cors", "https://a", "--cors"), { cors: ["https://a", "*"] });
});

Deno.test("readFlags takes every form of a switch, and the last wins", () => {
  assert.deepEqual(values("--stateful"), { stateful: "true" });
  assert.deepEqual(values("--stateful=false"), { stateful: "false" });
  assert.deepEqual(values("--stateful", "false"), { stateful: "false" });
  assert.deepEqual(values("--no-stateful"), { stateful: false });
  assert.deepEqual(values("--no-stateful", "--stateful"), { stateful: "true" });
  assert.deepEqual(values("--stateful", "--no-stateful"), { stateful: false });
  assert.deepEqual(values("--stateful", "maybe"), { stateful: "maybe" });
});

Deno.test("readFlags takes a file or a URL behind a switch for what is served", () => {
  for (const file of ["mcp.json", "./servers.toml"]) {
    const flags = readFlags(["--watch", file], "1");
    assert(flags.kind === "values");
    assert.deepEqual([flags.values.watch, flags.config], ["true", file]);
  }
  const flags = readFlags(["--stateful", "https://host/mcp"], "1");
  assert(flags.kind === "values");
  assert.deepEqual([flags.values.stateful, flags.url?.href], ["true", "https://host/mcp"]);
});

Deno.test("readFlags says which value is missing, and leaves the next flag alone", () => {
  assert.equal(refusal("--port", "--stdio", "x"), "--port: expected <port> after it");
  assert.equal(refusal("--stdio"), "--stdio: expected <command line> after it");
  assert.equal(refusal("--header", "A: b", "--header"), "--header: expected <headers...> after it");
});

Deno.test("readFlags takes a negative number for a value, so that its range can be told", () => {
  assert.deepEqual(values("--port", "-1"), { port: "-1" });
});

Deno.test("readFlags names the nearest known flag for an unknown one", () => {
  assert.equal(refusal("--prot", "8000"), "--prot: unknown flag, did you mean --port?");
  assert.equal(
    refusal("--output-transprot=sse"),
    "--output-transprot: unknown flag, did you mean --outputTransport?",
  );
  assert.match(refusal("--tlsCer", "x"), /^--tlsCer: unknown flag, did you mean --tlsCert\?$/);
  assert.match(refusal("--max"), /^--max: unknown flag, /);
  assert.equal(refusal("--constructor"), "--constructor: unknown flag, see --help");
  assert.equal(refusal("-z", "8000"), "-z: unknown flag, see --help");
});

Deno.test("readFlags never shows the value of a mistyped flag", () => {
  for (const args of [["--haeder=s3cret"], ["--haeder", "s3cret"], ["-e", "A=s3cret"], ["-eA=s3cret"]]) {
    assert.doesNotMatch(refusal(...args), /s3cret/);
  }
});

Deno.test("readFlags refuses and names a stray argument, and hints at quoting", () => {
  assert.equal(
    refusal("--stdio", "npx", "some-server"),
    'Unexpected argument "some-server": quote the whole line after --stdio, put the command after --, ' +
      "or give the URL of one remote server or a file with servers",
  );
});

Deno.test("readFlags answers --version, and --help before any fault", () => {
  assert.deepEqual(readFlags(["--version"], "1.2.3"), { kind: "version", text: "1.2.3" });
  for (const args of [["--help"], ["-h"], ["--port", "abc", "--help"], ["--bogus", "--help"]]) {
    assert.equal(readFlags(args, "1.2.3").kind, "help");
  }
});
