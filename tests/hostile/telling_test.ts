/** What a running gateway tells of secrets and of what clients and servers say: in its log, in /health, in refusals. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { networkAddress, rawRequestOf, say } from "../support/raw_bytes.ts";
import { allMessages, answer, beginSession, callTool, post, request } from "../support/rpc.ts";

const SECRET = "hunter2";
/** What a child says before it ends. */
const LAST_WORDS = [
  "cannot reach postgres://app:hunter2@db.internal/app",
  "password: hunter2",
  'config {"password":"hunter2","port":5}',
  "usage: server --token hunter2 --verbose",
  'retry with {"env":{"PGPASSWORD":"hunter2"}}',
  "Authorization: Bearer hunter2hunter2",
  "opened /home/ann/private/settings.json",
  "\u001b[31mred\u001b[0m \u202eevil\u2028line",
];
const NAMES = [
  "pwd",
  "pass",
  "dsn",
  "connectionString",
  "bearer",
  "args",
  "otp",
  "passcode",
  "API-KEY",
  "client_secret",
];
/** Far above the longest line that a log may have. */
const LINE_CHARS = 30_000;

async function failed(flags: readonly string[] = []): Promise<Keystone> {
  const script = `printf '%s\\n' "$@" >&2; exit 3`;
  const server = ["/bin/sh", "-c", script, "sh", ...LAST_WORDS];
  const gateway = await startKeystone(["--crashLimit", "1", "--crashProbe", "1h", ...flags], { server });
  await (await post(gateway.mcp, request(1, "ping"))).text();
  await gateway.logged(/Server has failed/);
  return gateway;
}

async function health(gateway: Keystone, headers: readonly string[] = [], hostname?: string) {
  const all = [`Host: ${hostname ?? "127.0.0.1"}:${gateway.port}`, ...headers];
  const { status, text } = await say(gateway.port, rawRequestOf("GET /health HTTP/1.1", all), hostname);
  const body = text.slice(text.indexOf("\r\n\r\n") + 4);
  return { status, body, report: JSON.parse(body) };
}

/** No secret, and nothing that leaves its line or changes a reader's screen. */
function assertQuiet(log: string): void {
  assert(!log.includes(SECRET), log.split("\n").find((line) => line.includes(SECRET)));
  assert.doesNotMatch(log.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
}

Deno.test("/health of a failed server tells its last words without secrets and folders", async () => {
  await using gateway = await failed();
  const { status, body, report } = await health(gateway);
  assert.equal(status, 503);
  assert.deepEqual([report.status, report.stderr.length], ["failed", LAST_WORDS.length]);
  assertQuiet(body);
  assert.match(body, /db\.internal/);
  assert.match(body, /…\/settings\.json/);
  assert.doesNotMatch(body, /home|ann\/|private/);
  assertQuiet(gateway.stderr());
});

Deno.test("/health tells a child's last words to callers of this machine alone", async () => {
  await using gateway = await failed(["--host", "0.0.0.0", "--unauthenticated"]);
  assert.equal((await health(gateway)).report.stderr.length, LAST_WORDS.length);
  for (
    const header of ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: ::1", "Via: 1.1 x"]
  ) {
    const { status, report } = await health(gateway, [header]);
    assert.deepEqual([status, report.status, report.stderr], [503, "failed", undefined], header);
  }
  const address = networkAddress();
  if (address === undefined) return;
  const { status, report } = await health(gateway, [], address);
  assert.deepEqual([status, report.status, report.stderr], [503, "failed", undefined]);
});

for (const format of ["text", "json"]) {
  Deno.test(`a log of ${format} at debug hides secrets by name and by form, also in JSON that is a text`, async () => {
    await using gateway = await startKeystone(["--logLevel", "debug", "--logFormat", format], {
      server: SCRIPTED,
    });
    const named = Object.fromEntries(NAMES.map((name) => [name, SECRET]));
    const texts = [
      JSON.stringify(named),
      JSON.stringify({ text: JSON.stringify({ text: JSON.stringify(named) }) }),
      `got ${JSON.stringify(named)}`,
      ...LAST_WORDS,
    ];
    await answer(
      await post(
        gateway.mcp,
        callTool(1, "echo", { ...named, deep: [{ ...named, texts }], shown: "visible" }),
      ),
    );
    for (const [index, text] of texts.entries()) {
      await answer(await post(gateway.mcp, callTool(index, "say", { text })));
      await answer(await post(gateway.mcp, callTool(index, "write", { text })));
    }
    await gateway.stop();
    assertQuiet(gateway.stderr());
    assert.match(gateway.stderr(), /visible/);
    assert.match(gateway.stderr(), /db\.internal/);
  });

  Deno.test(`a log of ${format} has a bounded line for whatever a client or a server says`, async () => {
    await using gateway = await startKeystone(["--stateful", "--logFormat", format], { server: SCRIPTED });
    const session = await beginSession(gateway.mcp);
    const evil = "\u001b[2J\r\n\u202e\u2028\u0085";
    const long = `${evil}${"x".repeat(1_000_000)}`;
    for (const id of [evil, long]) {
      const twice = await post(gateway.mcp, [request(id, "ping"), request(id, "ping")], { session });
      await assertShort(twice);
      const method = await post(gateway.mcp, request(1, id), { session });
      await allMessages(method);
    }
    const bytes = "x".repeat(12_000);
    const host = `Host: 127.0.0.1:${gateway.port}`;
    const json = ["Content-Type: application/json", "Accept: application/json, text/event-stream"];
    const asks = [
      rawRequestOf(`GET /${bytes}\u202e HTTP/1.1`, [host]),
      rawRequestOf(`${bytes} /mcp HTTP/1.1`, [host]),
      rawRequestOf("GET /mcp HTTP/1.1", [`Host: ${bytes}`]),
      rawRequestOf("GET /mcp HTTP/1.1", [host, `Origin: https://\u202e${bytes}`]),
      rawRequestOf("POST /mcp HTTP/1.1", [
        host,
        ...json,
        `MCP-Protocol-Version: \u202e\u0085${bytes}`,
        "Content-Length: 2",
      ], "{}"),
      rawRequestOf("GET /mcp HTTP/1.1", [host, ...json, `Mcp-Session-Id: ${bytes}\u202e`]),
      rawRequestOf("GET /mcp HTTP/1.1", [
        host,
        ...json,
        `Mcp-Session-Id: ${session}`,
        `Last-Event-ID: \u202e${bytes}`,
      ]),
      rawRequestOf("GET /health HTTP/1.1", [host, `Upgrade: ${bytes}`]),
    ];
    for (const ask of asks) assert((await say(gateway.port, ask)).text.length < 2_000, ask.slice(0, 100));
    for (const text of [evil, long, '"password":'.repeat(100_000), "eyJ".repeat(300_000)]) {
      await answer(
        await inTime(post(gateway.mcp, callTool(1, "say", { text }), { session }), "An answer", 30_000),
      );
      await answer(
        await inTime(post(gateway.mcp, callTool(1, "write", { text }), { session }), "An answer", 30_000),
      );
    }
    await gateway.stop();
    const lines = gateway.stderr().split("\n");
    assert(lines.length > asks.length);
    for (const line of lines) assert(line.length < LINE_CHARS, line.slice(0, 200));
    const refusals = lines.filter((line) => /http\.refused|Request refused/.test(line));
    assert(refusals.length >= 6);
    for (const line of refusals) assert(line.length < 4_000, line.slice(0, 200));
    assertQuiet(gateway.stderr());
  });
}

/** A refusal shows no more of a value than its beginning. */
async function assertShort(response: Response): Promise<void> {
  const text = await response.text();
  assert(text.length < 2_000, text.slice(0, 200));
  assert.match(text, /is still open/);
}
