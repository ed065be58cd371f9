import assert from "node:assert/strict";
import { flat, resolved } from "../../tests/support/config.ts";
import { ConfigError } from "../core/errors.ts";
import { remoteHeaders } from "./credentials.ts";
import { readCertificatesOf, requireFolder } from "./files.ts";
import type { RawOptions } from "./options.ts";

function headers(raw: RawOptions, url = "https://host/mcp"): Record<string, string> {
  const target = new URL(url);
  return remoteHeaders(flat(resolved(raw, { argv: [], url: target }).config), target);
}

/** Gives the path of a file with this text, for as long as the test runs. */
async function withFile(text: string, run: (path: string) => void): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    run(path);
  } finally {
    await Deno.remove(path);
  }
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert(error instanceof ConfigError);
    assert.doesNotMatch(error.message, /s3cret|\n/);
    return error.message;
  }
  throw new assert.AssertionError({ message: "Accepted" });
}

Deno.test("remoteHeaders are none unless some are given", () => {
  assert.deepEqual(headers({}), {});
});

Deno.test("remoteHeaders have lower-case names, and those of the flag win over those of the file", async () => {
  const text = "# a comment\nX-A: file\r\n\nX-B:  two words \nX-C: a:b\n";
  await withFile(text, (headerFile) => {
    assert.deepEqual(headers({ headerFile, header: ["x-a: flag", "X-D: d"] }), {
      ...{ "x-a": "flag", "x-b": "two words", "x-c": "a:b", "x-d": "d" },
    });
  });
});

Deno.test("remoteHeaders make a bearer token of the flag or the file, also in place of a header", async () => {
  const authorization = "Bearer t0ken";
  assert.deepEqual(headers({ oauth2Bearer: "t0ken" }), { authorization });
  assert.deepEqual(headers({ oauth2Bearer: "t0ken", header: ["Authorization: x"] }), { authorization });
  await withFile("  t0ken\n", (oauth2BearerFile) => {
    assert.deepEqual(headers({ oauth2BearerFile }), { authorization });
  });
});

Deno.test("remoteHeaders turn the credentials of a URL into Basic ones", () => {
  const authorization = `Basic ${btoa("me:p@ss:word")}`;
  assert.deepEqual(headers({}, "https://me:p%40ss%3Aword@host/"), { authorization });
  assert.deepEqual(headers({}, "https://me@host/"), { authorization: `Basic ${btoa("me:")}` });
  const utf8 = new TextEncoder().encode("ü:€").toBase64();
  assert.deepEqual(headers({}, "https://ü:€@host/"), { authorization: `Basic ${utf8}` });
  assert.equal(headers({ oauth2Bearer: "t" }, "https://me:x@host/").authorization, "Bearer t");
});

Deno.test("remoteHeaders take a % that begins no escape as it stands", () => {
  assert.deepEqual(headers({}, "https://me:100%@host/"), { authorization: `Basic ${btoa("me:100%")}` });
});

Deno.test("remoteHeaders name the file and the line that is wrong, and not what stands there", async () => {
  assert.equal(
    refusal(() => headers({ headerFile: "/no/file" })),
    '--headerFile "/no/file": there is no such file',
  );
  assert.match(refusal(() => headers({ headerFile: "/" })), /^--headerFile "\/": it is a folder$/);
  await withFile("A: b\ns3cret\n", (headerFile) => {
    assert.match(
      refusal(() => headers({ headerFile })),
      /^--headerFile ".*": line 2: expected "Name: value"/,
    );
  });
  for (const text of ["", "\n", "s3cret s3cret", "s3cret\ns3cret"]) {
    await withFile(text, (oauth2BearerFile) => {
      assert.match(refusal(() => headers({ oauth2BearerFile })), /: expected one token and nothing else$/);
    });
  }
});

Deno.test("readCertificatesOf takes PEM and nothing else", async () => {
  const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  await withFile(pem, (path) => assert.equal(readCertificatesOf("caFile", path), pem));
  await withFile("s3cret", (path) => {
    assert.match(
      refusal(() => readCertificatesOf("caFile", path)),
      /^--caFile ".*": holds no certificate in PEM form$/,
    );
  });
});

Deno.test("requireFolder wants a folder that is there", async () => {
  requireFolder("cwd", "/");
  assert.equal(refusal(() => requireFolder("cwd", "/no/x")), '--cwd "/no/x": there is no such folder');
  await withFile("", (path) => {
    assert.match(refusal(() => requireFolder("cwd", path)), /: there is no such folder$/);
  });
});
