/** Half a minute of broken requests, bodies, headers and frames: `HOSTILE_SEED=…` repeats them. */
import assert from "node:assert/strict";
import { keyFile } from "../../src/auth/api_key/key_file.ts";
import { digestOf, makeKey } from "../../src/auth/api_key/key_text.ts";
import { concat, frame, MASK } from "../support/frames.ts";
import { type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { memoryOf } from "../support/memory.ts";
import { Random, randomSeed } from "../support/random.ts";
import { answer, callTool, initialize, post } from "../support/rpc.ts";

const [WARM_UP_MS, FUZZ_MS, WORKERS, ANSWER_MS] = [5_000, 30_000, 4, 2_000];
/** What a run may add to the memory at rest, beyond what the code and the pools take that the warm-up has filled. */
const MAX_GROWTH = 128 * 2 ** 20;

/** What readers of HTTP, JSON and tokens treat in a way of its own. */
const TOKENS = [
  ...'\r\n|\r\n\r\n|\0|\t|:|;|,|"|\\|{|}|[|]|null|true|-0|1e999|\\u0000|\\ud800|\ufeff|%00|%2e%2e|//|?|#|'
    .split("|"),
  ...[
    "HTTP/1.1",
    "HTTP/2",
    "chunked",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: 1\r\n",
    "Content-Length: -1\r\n",
  ],
  ...[
    "Expect: 100-continue\r\n",
    "Upgrade: h2c\r\n",
    "Host: x\r\n",
    "Bearer ",
    "Basic ",
    "ks_",
    "ffffffff\r\n",
    "0\r\n\r\n",
  ],
  ...[
    "Authorization: Bearer \r\n",
    "X-API-Key: \r\n",
    "Mcp-Session-Id: x\r\n",
    "Origin: null\r\n",
    "ticket=",
    "api_key=",
  ],
  ...["jsonrpc", "method", "params", "__proto__", "constructor", "id", "progressToken", "x".repeat(5_000)],
];

Deno.test({
  name: "no broken input of any kind brings the gateway down, makes it answer 500, or stays in its memory",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const seed = Number(Deno.env.get("HOSTILE_SEED") ?? randomSeed());
    const folder = await Deno.makeTempDir();
    const { id, secret, text: key } = makeKey();
    const entry = {
      id,
      name: "ci",
      digest: digestOf(secret),
      scopes: [],
      createdAt: new Date().toISOString(),
    };
    await keyFile.change(`${folder}/api-keys.json`, () => [entry]);
    await using gateway = await startKeystone(
      [
        "--auth",
        "apiKey",
        "--stateful",
        "--sessionTimeout",
        "1s",
        "--maxSessions",
        "1000",
        "--logLevel",
        "error",
      ],
      { server: SCRIPTED, env: { KEYSTONE_STATE_DIR: folder } },
    );
    const samples = samplesFor(gateway, key);
    await fuzz(gateway, samples, seed + 1, WARM_UP_MS);
    const before = (await memoryOf(gateway.pid)).now;
    const sent = await fuzz(gateway, samples, seed, FUZZ_MS);
    const grown = (await memoryOf(gateway.pid)).now - before;
    const told = JSON.stringify({ seed, sent, grown });
    assert(sent > WORKERS, told);
    assert(grown < MAX_GROWTH, told);
    assert.doesNotMatch(gateway.stderr(), /Internal fault|\n +at /, told);
    const headers = { "X-API-Key": key };
    const honest = await post(gateway.mcp, initialize(), { headers });
    const session = honest.headers.get("mcp-session-id") ?? "";
    await honest.body?.cancel();
    const called = await answer(
      await post(gateway.mcp, callTool(2, "echo", { text: "hello" }), { session, headers }),
    );
    assert(called.result ?? called.error, told);
    await gateway.stop();
    await Deno.remove(folder, { recursive: true });
  },
});

/** Requests that are right, on each wire, with and without credentials. */
function samplesFor({ port }: Keystone, key: string): Uint8Array<ArrayBuffer>[] {
  const host = `Host: 127.0.0.1:${port}`;
  const json = "Content-Type: application/json\r\nAccept: application/json, text/event-stream";
  const socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const bodies = [initialize(), callTool(1, "echo", { text: "ä\u2028" }), [initialize()], {
    jsonrpc: "2.0",
    method: "x",
  }];
  const credentials = [
    `X-API-Key: ${key}`,
    `Authorization: Bearer ${key}`,
    `Authorization: Bearer ks_x`,
    "X-None: x",
  ];
  const frames = concat(
    ...[JSON.stringify(initialize()), "{", "[]"].map((payload) => frame({ opcode: 1, payload, mask: MASK })),
    ...[9, 10, 8].map((opcode) => frame({ opcode, payload: "\x03\xe8", mask: MASK })),
  );
  const encode = (text: string) => new TextEncoder().encode(text);
  return credentials.flatMap((credential) => [
    ...bodies.map((body) => {
      const text = JSON.stringify(body);
      const length = encode(text).length;
      return encode(
        `POST /mcp HTTP/1.1\r\n${host}\r\n${json}\r\n${credential}\r\nContent-Length: ${length}\r\n\r\n${text}`,
      );
    }),
    encode(
      `POST /mcp HTTP/1.1\r\n${host}\r\n${json}\r\n${credential}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    ),
    ...["/mcp", "/sse", "/health", "/auth/ticket", "/ws?ticket=x"].map((path) =>
      encode(`GET ${path} HTTP/1.1\r\n${host}\r\nAccept: text/event-stream\r\n${credential}\r\n\r\n`)
    ),
    encode(`DELETE /mcp HTTP/1.1\r\n${host}\r\nMcp-Session-Id: x\r\n${credential}\r\n\r\n`),
    concat(encode(`GET /ws HTTP/1.1\r\n${host}\r\n${socket}\r\n${credential}\r\n\r\n`), frames),
  ]);
}

/** Comes to how many were sent. */
async function fuzz(
  gateway: Keystone,
  samples: readonly Uint8Array<ArrayBuffer>[],
  seed: number,
  ms: number,
): Promise<number> {
  const until = AbortSignal.timeout(ms);
  let sent = 0;
  await Promise.all(Array.from({ length: WORKERS }, async (_, worker) => {
    const random = new Random(seed + worker * 7919);
    for (; !until.aborted; sent++) {
      const bytes = mutated(random, samples);
      const said = await exchange(gateway.port, bytes);
      const about = JSON.stringify({
        seed,
        worker,
        sent: new TextDecoder().decode(bytes).slice(0, 2_000),
        said,
      });
      assert.doesNotMatch(said, /^HTTP\/1\.1 500|\n {4}at .+:\d+/, about);
    }
  }));
  return sent;
}

function mutated(random: Random, samples: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  let bytes = random.pick(samples);
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    const rest = tail.subarray(Math.min(tail.length, random.below(12)));
    switch (random.below(5)) {
      case 0:
        bytes = concat(head, new TextEncoder().encode(random.pick(TOKENS)), tail);
        break;
      case 1:
        bytes = concat(head, rest);
        break;
      case 2:
        bytes = concat(head, Uint8Array.of(random.below(256)), rest);
        break;
      case 3:
        bytes = concat(head, random.pick(samples).subarray(random.below(400)));
        break;
      default:
        bytes = concat(head, head.subarray(-random.below(200) || head.length), tail);
    }
  }
  return bytes;
}

/** What is said to it until it has nothing more to say for a while, or closes. */
async function exchange(port: number, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const patience = setTimeout(() => close(connection), ANSWER_MS);
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    await connection.closeWrite();
    const chunk = new Uint8Array(16_384);
    const size = await connection.read(chunk);
    return new TextDecoder().decode(chunk.subarray(0, size ?? 0));
  } catch (error) {
    if (error instanceof Error && !(error instanceof TypeError)) return ""; // it may refuse to read on
    throw error;
  } finally {
    clearTimeout(patience);
    close(connection);
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
