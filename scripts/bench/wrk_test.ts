import assert from "node:assert/strict";
import { SMALL, WrongAnswerError } from "./calls.ts";
import { luaValues, parseWrk } from "./wrk.ts";

const SUMMARY = {
  requests: 5000,
  microseconds: 2_000_000,
  p50: 250,
  p99: 1500,
  wrong: 0,
  refused: 0,
  broken: 0,
  example: "",
};

function output(changes: Partial<typeof SUMMARY> = {}): string {
  return [
    "Running 2s test @ http://127.0.0.1:8000/mcp",
    "  1 threads and 16 connections",
    "Requests/sec:   2500.00",
    `RESULT ${JSON.stringify({ ...SUMMARY, ...changes })}`,
    "",
  ].join("\n");
}

Deno.test("parseWrk reads the rate and the latencies in milliseconds", () => {
  assert.deepEqual(parseWrk(output()), { rate: 2500, p50: 0.25, p99: 1.5 });
});

Deno.test("parseWrk fails on a wrong answer", () => {
  assert.throws(() => parseWrk(output({ wrong: 1, example: "{}" })), WrongAnswerError);
});

Deno.test("parseWrk tells refused, broken and missing answers from wrong ones", () => {
  const faults = [{ refused: 3, example: "HTTP 413: too large" }, { broken: 2 }, { requests: 0 }];
  const messages = [/3 of 5000 calls were refused: HTTP 413/, /2 connections broke/, /Nothing was answered/];
  for (const [index, fault] of faults.entries()) {
    assert.throws(() => parseWrk(output(fault)), (error: Error) => {
      assert.match(error.message, messages[index] ?? /never/);
      return !(error instanceof WrongAnswerError);
    });
  }
});

Deno.test("parseWrk says what wrk said when there is no result", () => {
  assert.throws(() => parseWrk("", "unable to connect"), /unable to connect/);
});

Deno.test("luaValues escape what Lua would read as its own", () => {
  const plan = { shape: SMALL, sessions: ['a"b\\c', undefined] };
  const lines = luaValues(new URL("http://127.0.0.1:1/mcp"), plan, 100_000_000).split("\n");
  assert.equal(lines.length, 4);
  assert.match(lines[0] ?? "", /^HEADS = \{"POST \/mcp HTTP\/1\.1\\r\\nHost: 127\.0\.0\.1:1\\r\\n/);
  assert.ok(lines[0]?.includes('Mcp-Session-Id: a\\"b\\\\c\\r\\n'));
  assert.equal(lines[0]?.match(/Mcp-Session-Id/g)?.length, 1);
  assert.equal(lines[3], "FIRST = 100000000");
});
