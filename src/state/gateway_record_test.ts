import assert from "node:assert/strict";
import { GatewayError } from "../core/errors.ts";
import { type GatewayRecord, parseRecord } from "./gateway_record.ts";

const TOKEN = "t".repeat(43);
const RECORD: GatewayRecord = {
  format: 1,
  name: "default",
  pid: 4711,
  start: "proc 1 2",
  version: "1.2.3",
  startedAt: "2026-01-01T00:00:00.000Z",
  admin: { url: "http://127.0.0.1:9", token: TOKEN },
  urls: ["http://127.0.0.1:8000/mcp"],
  flags: ["--", "x"],
  cwd: "/",
};

Deno.test("parseRecord reads what was written", () => {
  assert.deepEqual(parseRecord(JSON.stringify(RECORD), "/p"), RECORD);
});

Deno.test("parseRecord refuses what is no record: with the path and the way out, and never with the token", () => {
  const broken = [
    "",
    "{",
    `"${TOKEN}"`,
    JSON.stringify({ ...RECORD, format: 2 }),
    // Signals to 0 and 1 reach more than one process, or the wrong one.
    ...[0, 1, -1, 1.5, "4711"].map((pid) => JSON.stringify({ ...RECORD, pid })),
    JSON.stringify({ ...RECORD, name: "x".repeat(65) }),
    JSON.stringify({ ...RECORD, flags: [1] }),
    // The token would be sent there.
    ...["http://192.0.2.1:9", "https://127.0.0.1:9", "http://127.0.0.1.example:9", "http://a@127.0.0.1.x:9"]
      .map((url) => JSON.stringify({ ...RECORD, admin: { url, token: TOKEN } })),
    JSON.stringify({ ...RECORD, admin: { url: "http://127.0.0.1:9", token: "a\r\nb" } }),
  ];
  for (const text of broken) {
    assert.throws(() => parseRecord(text, "/p/default.json"), (error) => {
      assert(error instanceof GatewayError, text);
      assert.match(
        error.message,
        /^\/p\/default\.json is no record of a gateway \(.+\); end .* remove the file$/,
      );
      assert(!error.message.includes(TOKEN));
      return true;
    });
  }
});
