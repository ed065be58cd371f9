import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { parsedOptions } from "../../tests/support/config.ts";
import type { RawOptions } from "./options.ts";
import { type Operands, readServer, type ServerCommand, type ServerRemote } from "./server_input.ts";

function server(raw: RawOptions, operands: Partial<Operands> = {}) {
  return readServer(parsedOptions(raw), { argv: [], ...operands });
}

function command(raw: RawOptions, operands: Partial<Operands> = {}): ServerCommand {
  const given = server(raw, operands);
  assert(given.kind === "command");
  return given;
}

function remote(raw: RawOptions, operands: Partial<Operands> = {}): ServerRemote {
  const given = server(raw, operands);
  assert(given.kind === "remote");
  return given;
}

function refusal(raw: RawOptions, operands: Partial<Operands> = {}): string {
  try {
    server(raw, operands);
  } catch (error) {
    assert(error instanceof ConfigError);
    return error.message;
  }
  throw new assert.AssertionError({ message: "Accepted" });
}

Deno.test("readServer executes the words of --stdio directly", () => {
  assert.deepEqual(server({ stdio: `npx -y "some server"` }), {
    kind: "command",
    flag: "--stdio",
    program: "npx",
    args: ["-y", "some server"],
    shell: false,
    label: "npx -y some server",
    name: "keystone",
  });
});

Deno.test("readServer gives a line that needs a shell to one, whole", () => {
  const { program, args, shell, label } = command({ stdio: "cd /srv && npx server" });
  assert.deepEqual([program, args, shell], ["cd /srv && npx server", [], true]);
  assert.equal(label, "cd /srv && npx server");
});

Deno.test("readServer leaves the words after -- as they are", () => {
  const { flag, program, args, shell } = command({}, { argv: ["npx", "$HOME", "a b", "--port"] });
  assert.deepEqual([flag, program, args, shell], ["--", "npx", ["$HOME", "a b", "--port"], false]);
});

Deno.test("readServer knows the wire of a remote by its flag", () => {
  for (const wire of ["streamableHttp", "sse", "ws"] as const) {
    const url = wire === "ws" ? "wss://host/mcp" : "https://host/mcp";
    const { label, name, ...rest } = remote({ [wire]: url });
    assert.deepEqual(rest, { kind: "remote", wire, url: new URL(url) });
    assert.deepEqual([label, name], [url, "host"]);
  }
});

Deno.test("readServer leaves it to be found out which wire a bare URL speaks, unless its scheme says it", () => {
  const wires = ["http://h/", "https://h/", "ws://h/", "wss://h/"].map((url) =>
    remote({}, { url: new URL(url) }).wire
  );
  assert.deepEqual(wires, ["detect", "detect", "ws", "ws"]);
});

Deno.test("readServer labels a remote without what may be a secret, and keeps it in the URL", () => {
  for (const flag of ["sse", "streamableHttp", "ws"]) {
    const href = `${flag === "ws" ? "wss" : "https"}://me:s3cret@host:8443/mcp?key=s3cret#s3cret`;
    const { url, label, name } = remote({ [flag]: href });
    assert.equal(url.href, href);
    assert.match(label, /^(https|wss):\/\/host:8443\/mcp$/);
    assert.equal(name, "host");
  }
});

Deno.test("readServer wants exactly one server", () => {
  assert.match(
    refusal({}),
    /^No server given: expected --stdio "command line", -- command .*, the URL .*, or a file/,
  );
  assert.match(
    refusal({ stdio: "a" }, { argv: ["b"] }),
    /^More than one server given, --stdio and a command after --: expected exactly one$/,
  );
  assert.match(refusal({ stdio: "a", sse: "http://b" }), /, --stdio and --sse: /);
  assert.match(refusal({ sse: "http://b", ws: "ws://b" }), /, --sse and --ws: /);
  assert.match(
    refusal({ streamableHttp: "http://b" }, { url: new URL("http://c") }),
    /, --streamableHttp and a URL: /,
  );
});

Deno.test("readServer takes an empty flag as not given", () => {
  const empty = { stdio: " ", sse: "", streamableHttp: " ", ws: "" };
  assert.match(refusal(empty), /^No server given/);
  assert.equal(command(empty, { argv: ["b"] }).program, "b");
  assert.equal(remote({ ...empty, sse: "http://b/" }).wire, "sse");
  assert.equal(remote(empty, { url: new URL("http://c") }).wire, "detect");
});

Deno.test("readServer refuses a command without a program", () => {
  assert.match(refusal({}, { argv: [""] }), /^-- "": expected the name of a program/);
  assert.match(refusal({ stdio: "'' a" }), /^--stdio "": expected the name of a program/);
});
