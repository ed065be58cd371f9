import assert from "node:assert/strict";
import { readingsOf } from "./uri_readings.ts";

const all = (uri: string) => {
  const { resolved, bare } = readingsOf(uri);
  return [...resolved.flat(), ...bare];
};

Deno.test("readingsOf finds what a URI is resolved to, however it is spelled", () => {
  for (
    const uri of [
      "file:///etc/passwd",
      "FILE:///etc/passwd",
      " file:///etc/passwd\n",
      "file:///e\ttc/passwd",
      "file:///./etc/passwd",
      "file:///open/../etc/passwd",
      "file:///open/%2e%2E/etc/passwd",
      "file:///open/..%2fetc/passwd",
      "file:///open/..%252fetc/passwd",
      "file:///open\\..\\etc\\passwd",
      "file:///%65tc/p%61sswd",
      "file:////etc//passwd",
      "file://localhost/etc/passwd",
      "file://elsewhere/etc/passwd",
      "file:/etc/passwd",
      "file:///etc/passwd#top",
      "file:///etc/passwd?a",
      "file:///%ff/../etc/p%61sswd",
    ]
  ) assert(all(uri).includes("file:///etc/passwd"), `${uri}: ${all(uri)}`);
  assert(all("DEMO://resource/x/%2e%2e/static/a").includes("demo://resource/static/a"));
  assert(all("demo://a#b").includes("demo://a"));
});

Deno.test("readingsOf finds nothing else in what is spelled plainly, and reads what is no URI by its letters", () => {
  for (const uri of ["demo://resource/a?b=c", "memo:insights", "notes", "a b", "%", ""]) {
    assert.deepEqual(new Set(all(uri)), new Set([uri]), uri);
  }
  assert.deepEqual(readingsOf("file:///open%20here/a").resolved, [[
    "file:///open%20here/a",
    "file:///open here/a",
  ]]);
});

Deno.test("readingsOf comes to an end with what is escaped again and again", () => {
  assert(all(`x:${"%25".repeat(1_000)}2e`).length < 20);
});
