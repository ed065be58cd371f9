/** A caller who tries to have another one on the same child lied to. */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";
import { chunkings } from "../support/chunkings.ts";
import { beginSocket, inTime } from "../support/conversation.ts";
import { startKeystone } from "../support/keystone.ts";
import { ACCEPT, type AnyMessage, callTool, messagesOf, post } from "../support/rpc.ts";

/** A server whose JSON library does not mind the case of a key. */
const FOLDING = [
  ...[Deno.execPath(), "run", "-A"],
  fromFileUrl(new URL("../fixtures/folding_server.ts", import.meta.url)),
];

const CALL = '"method":"tools/call","params":{"name":"work","arguments":{"secret":"forged"}}';
const FORGED = '"name":"work","arguments":{"secret":"forged"}';
const CANCEL = "notifications/cancelled";

/** What an attacker says who guesses that the server knows the victim's call, and its progress, by `n`. */
const ATTACKS: Readonly<Record<string, (n: number) => string>> = {
  "an answer by ID": (n) => `{"jsonrpc":"2.0","id":"a","ID":${n},${CALL}}`,
  "an answer by iD, escaped": (n) => `{"jsonrpc":"2.0","id":"a","i\\u0044":${n},${CALL}}`,
  "an answer by a second id": (n) => `{"jsonrpc":"2.0","id":${n},${CALL},"id":"a","Id":${n}}`,
  "an answer by Id of a notification": (n) =>
    `{"jsonrpc":"2.0","Id":${n},"method":"x","Method":"tools/call"}`,
  "progress by progresstoken": (n) =>
    `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{${FORGED},"_meta":{"progresstoken":${n}}}}`,
  "progress by progreſſToken": (n) =>
    `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{${FORGED},"_meta":{"progressToken":"t","progreſſToken":${n}}}}`,
  "progress by to\u212aen": (n) =>
    `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{${FORGED},"_meta":{"progressTo\u212aen":${n}}}}`,
  "progress by _META": (n) =>
    `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{${FORGED},"_META":{"progressToken":${n}}}}`,
  "progress by Params": (n) =>
    `{"jsonrpc":"2.0","id":"a",${CALL},"Params":{${FORGED},"_meta":{"progressToken":${n}}}}`,
  "a cancellation by Method": (n) =>
    `{"jsonrpc":"2.0","method":"x","Method":"${CANCEL}","params":{"requestId":${n}}}`,
  "a cancellation by Method of a call": (n) =>
    `{"jsonrpc":"2.0","id":"a","method":"ping","METHOD":"${CANCEL}","params":{"requestId":${n}}}`,
};

/** A call that waits at the server, which has told its caller that it is there. */
interface Victim {
  /** Its id at the server; to find it out an attacker would have to guess. */
  readonly serverId: number;
  /** All that the victim hears from then on. */
  readonly rest: Promise<AnyMessage[]>;
}

async function victimAt(url: string): Promise<Victim> {
  const heard = messagesOf(await post(url, callTool(1, "hold", { secret: "own" }, { progressToken: "p" })));
  const { params } = (await heard.next()).value;
  assert.equal(params.message, "own");
  return { serverId: params.total, rest: Array.fromAsync(heard) };
}

/** Settles when the attacker is answered, or the victim has heard its last. */
async function say(url: string, text: string, { rest }: Victim): Promise<void> {
  const answered = post(url, text).then((response) => response.text());
  await Promise.race([answered, rest]);
}

/** The victim's call ends as it should: with its own answer, and nothing before it. */
async function assertUnharmed(url: string, victim: Victim, what: string): Promise<void> {
  await say(url, JSON.stringify(callTool("r", "release", { secret: "other" })), victim);
  const rest = await inTime(victim.rest, `answer after ${what}`);
  assert.deepEqual(rest, [{ jsonrpc: "2.0", id: 1, result: { secret: "own" } }], what);
}

Deno.test("nobody lies to another caller of a child that reads keys in any case", async () => {
  await using gateway = await startKeystone([], { server: FOLDING });
  for (const [what, textFor] of Object.entries(ATTACKS)) {
    const victim = await victimAt(gateway.mcp);
    await say(gateway.mcp, textFor(victim.serverId), victim);
    await assertUnharmed(gateway.mcp, victim, what);
  }
});

Deno.test("nobody cancels another caller's call by a second spelling beside its own", async () => {
  await using gateway = await startKeystone(["--children", "shared"], { server: FOLDING });
  await using attacker = await beginSocket(gateway);
  const spellings = ['"requestId":5,"REQUESTID":', '"requestId":5,"requeſtId":', '"re\\u0051uestId":'];
  for (const spelling of spellings) {
    const victim = await victimAt(gateway.mcp);
    await attacker.send(callTool(5, "hold", { secret: "other" }, { progressToken: "q" }));
    await attacker.next();
    const params = `{${spelling}${victim.serverId},"requestId":5}`;
    await attacker.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`);
    await attacker.send(callTool(6, "work", { secret: "other" }));
    assert.equal((await attacker.next()).id, 6);
    await assertUnharmed(gateway.mcp, victim, spelling);
  }
});

/** A POST in these chunks of HTTP, which `fetch` would put together; the text of the answer. */
async function postChunks(port: number, chunks: readonly Uint8Array<ArrayBuffer>[]): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = [
    ...["POST /mcp HTTP/1.1", `Host: 127.0.0.1:${port}`, `Accept: ${ACCEPT}`, "Connection: close"],
    ...["Content-Type: application/json", "Transfer-Encoding: chunked", "", ""],
  ];
  const pieces = chunks.map((chunk) => [`${chunk.length.toString(16)}\r\n`, chunk, "\r\n"]);
  await new Blob([head.join("\r\n"), ...pieces.flat(), "0\r\n\r\n"]).stream().pipeTo(connection.writable, {
    preventClose: true,
  });
  return await new Response(connection.readable).text();
}

Deno.test("nobody's text loses a U+FEFF, wherever the chunks of its POST are cut", async () => {
  await using gateway = await startKeystone([], { server: FOLDING });
  const secret = "a\ufeffb\ufeff\ufeff";
  const body = JSON.stringify(callTool(1, "work", { secret }));
  for (const chunks of [...chunkings(body), ...chunkings(`\ufeff${body}`)]) {
    const answer = await postChunks(gateway.port, chunks);
    assert(answer.endsWith(`{"jsonrpc":"2.0","id":1,"result":{"secret":"${secret}"}}`), answer);
  }
});
