/** Single inputs, each made to take as long as possible for its size. */

/** What a client may send at once, by default, with room for the rest of the message. */
const LARGE = 4 * 2 ** 20 - 2_000;

export interface Input {
  readonly name: string;
  /** Made when it is sent: all of them together would fill the memory of the test. */
  readonly body: () => string;
}

/** As many repetitions as are a large input. */
function fill(part: string, bytes = LARGE): string {
  return part.repeat(Math.floor(bytes / new TextEncoder().encode(part).length));
}

function listOf(part: string): string {
  return `[${fill(`${part},`).slice(0, -1)}]`;
}

/** Members while there is room for them. */
function members(member: (number: number) => string): string {
  const all: string[] = [];
  for (let size = 0, number = 0; size < LARGE; number++) {
    const next = member(number);
    all.push(next);
    size += next.length + 1;
  }
  return all.slice(0, -1).join(",");
}

function call(args: string, id = "1"): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"ping","params":{"name":"x","arguments":{"a":${args}}}}`;
}

function request(method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`;
}

function notification(method: string, params: string): string {
  return `{"jsonrpc":"2.0","method":"${method}","params":${params}}`;
}

/** Texts of digits that meet in one place of a table of so many places, where their value is their place. */
function meeting(places: number): string {
  const values: string[] = [];
  const rounds = Math.floor(10_000_000 / places);
  for (let at = 0; values.length < LARGE / 10; at++) {
    values.push(`"${(at % rounds) * places + Math.floor(at / rounds)}"`);
  }
  return values.join(",");
}

/** It is one as a double with many others. */
const LARGE_ID = "9007199254740993";
const NUMBER_OF_800_DIGITS = "7".repeat(800);

/** The same size, and nothing that is hard. */
export const HARMLESS: Input = {
  name: "text",
  body: () => call(JSON.stringify(fill("The quick brown fox. "))),
};

export const BODIES: readonly Input[] = [
  // --- structure ---
  { name: "brackets", body: () => call(fill("[", LARGE / 2) + fill("]", LARGE / 2)) },
  { name: "brackets that nobody closes", body: () => fill("[") },
  {
    name: "objects in one another",
    body: () => call(`${fill('{"a":', LARGE * 5 / 6)}1${fill("}", LARGE / 6)}`),
  },
  { name: "empty objects", body: () => call(listOf("{}")) },
  { name: "empty arrays", body: () => call(listOf("[]")) },
  { name: "small arrays", body: () => call(listOf("[1]")) },
  { name: "small objects", body: () => call(listOf('{"a":1}')) },
  { name: "objects of different shapes", body: () => call(`[${members((n) => `{"k${n}":1}`)}]`) },
  { name: "brackets in a text", body: () => call(`"${fill("[{")}"`) },
  // --- keys ---
  { name: "different keys", body: () => call(`{${members((n) => `"key${n}":1`)}}`) },
  {
    name: "keys of the message",
    body: () => `{"jsonrpc":"2.0","id":1,"method":"ping",${members((n) => `"k${n}":1`)}}`,
  },
  { name: "keys of the parameters", body: () => request("ping", `{${members((n) => `"k${n}":1`)}}`) },
  { name: "keys that are numbers", body: () => call(`{${members((n) => `"${n * 16_384}":1`)}}`) },
  { name: "equal keys", body: () => call(`{${fill('"a":1,').slice(0, -1)}}`) },
  { name: "ids in another case", body: () => `{"jsonrpc":"2.0","id":1,"method":"ping"${fill(',"ID":2')}}` },
  { name: "escaped ids", body: () => `{"jsonrpc":"2.0","id":1,"method":"ping"${fill(',"\\u0069d":2')}}` },
  {
    name: "progress tokens",
    body: () => request("ping", `{"_meta":{${fill('"progressToken":1,').slice(0, -1)}}}`),
  },
  { name: "texts that meet in one place", body: () => call(`[${meeting(2 ** 19)}]`) },
  { name: "keys that meet in one place", body: () => call(`[${meeting(2 ** 17).slice(0, 900_000)}"1"]`) },
  // --- texts ---
  { name: "escaped quotes", body: () => call(`"${fill('\\"')}"`) },
  { name: "backslashes", body: () => call(`"${fill("\\\\")}"`) },
  { name: "escapes", body: () => call(`"${fill("\\u0000")}"`) },
  { name: "empty texts", body: () => call(listOf('""')) },
  { name: "short texts", body: () => call(listOf('"a"')) },
  { name: "different texts", body: () => call(`[${members((n) => `"${n}x"`)}]`) },
  { name: "wide characters", body: () => call(`"${fill("\u4e2d")}"`) },
  { name: "pairs of surrogates", body: () => call(`"${fill("\u{1F600}")}"`) },
  { name: "lone surrogates", body: () => call(`"${fill("\\ud800")}"`) },
  { name: "spaces", body: () => call(`${fill(" ")}1`) },
  { name: "line ends", body: () => call(`${fill("\n")}1`) },
  { name: "a list on many lines", body: () => call(listOf("1\n")) },
  // --- numbers ---
  { name: "digits", body: () => call(fill("7")) },
  { name: "long numbers", body: () => call(listOf(NUMBER_OF_800_DIGITS)) },
  { name: "numbers that are hard to round", body: () => call(listOf("2.2250738585072011e-308")) },
  { name: "endless numbers", body: () => call(listOf("1e999")) },
  { name: "small numbers", body: () => call(listOf("1")) },
  // --- what is read by the gateway ---
  { name: "numbers after a large id", body: () => call(listOf("1.0"), LARGE_ID) },
  { name: "large integers after a large id", body: () => call(listOf(LARGE_ID), LARGE_ID) },
  {
    name: "numbers to be kept in a text to be written anew",
    body: () => request("ping", `{"progress_token":1,"a":${listOf("1.0")}}`),
  },
  {
    name: "numbers to be kept among the parameters",
    body: () => request("ping", `{"progress_token":1,${members((n) => `"k${n}":1.0`)}}`),
  },
  { name: "numbers to be kept in a notification", body: () => notification("x", `{"a":${listOf("-0")}}`) },
  { name: "a long id", body: () => call("1", `"${fill("i")}"`) },
  { name: "an id of escapes", body: () => call("1", `"${fill("\\u0069")}"`) },
  { name: "an id of digits", body: () => call("1", fill("7")) },
  { name: "a long method", body: () => request(fill("tools/"), "{}") },
  {
    name: "a long progress token",
    body: () => request("ping", `{"_meta":{"progressToken":"${fill("t")}"}}`),
  },
  {
    name: "a long protocol version",
    body: () => request("initialize", `{"protocolVersion":"${fill("2")}","capabilities":{}}`),
  },
  {
    name: "capabilities",
    body: () =>
      request(
        "initialize",
        `{"protocolVersion":"2025-11-25","capabilities":{${members((n) => `"c${n}":1`)}}}`,
      ),
  },
  { name: "slashes", body: () => request("resources/subscribe", `{"uri":"file:${fill("/", 200_000)}"}`) },
  { name: "many slashes", body: () => request("resources/subscribe", `{"uri":"file:${fill("/")}"}`) },
  {
    name: "a cancelled long id",
    body: () => notification("notifications/cancelled", `{"requestId":"${fill("i")}"}`),
  },
  {
    name: "progress on a long token",
    body: () => notification("notifications/progress", `{"progressToken":"${fill("t")}"}`),
  },
  { name: "a long notification", body: () => notification(`notifications/${fill("n")}`, "{}") },
  { name: "an answer to nothing", body: () => `{"jsonrpc":"2.0","id":"${fill("i")}","result":{}}` },
  // --- batches ---
  { name: "a batch of requests", body: () => listOf('{"jsonrpc":"2.0","id":1,"method":"ping"}') },
  {
    name: "a batch of different requests",
    body: () => `[${members((n) => `{"jsonrpc":"2.0","id":${n},"method":"ping"}`)}]`,
  },
  { name: "a batch of notifications", body: () => listOf('{"jsonrpc":"2.0","method":"x"}') },
  { name: "a batch of nothing", body: () => listOf("1") },
  {
    name: "a batch of large requests",
    body: () => `[${Array.from({ length: 100 }, (_, n) => call(`"${fill("x", 41_000)}"`, `${n}`))}]`,
  },
  // --- no message ---
  { name: "no JSON", body: () => fill("x") },
  { name: "no JSON at the end", body: () => `${call(listOf("1")).slice(0, -1)}]` },
  { name: "no message", body: () => listOf("1") },
];

export interface Head {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What just fits into the first head on a connection. */
const LONG = 60_000;

function long(part: string): string {
  return fill(part, LONG);
}

const POST = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
const SOCKET = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" };

/** Requests whose head is the matter. */
export const HEADS: readonly Head[] = [
  { name: "a long Accept", method: "POST", path: "/mcp", headers: { ...POST, Accept: long("a/b;q=0.1,") } },
  {
    name: "a long Content-Type",
    method: "POST",
    path: "/mcp",
    headers: { ...POST, "Content-Type": long("application/json;") },
  },
  {
    name: "a long version",
    method: "POST",
    path: "/mcp",
    headers: { ...POST, "MCP-Protocol-Version": long("2") },
  },
  {
    name: "a long session id",
    method: "POST",
    path: "/mcp",
    headers: { ...POST, "Mcp-Session-Id": long("a") },
  },
  {
    name: "a long event id",
    path: "/mcp",
    headers: { Accept: "text/event-stream", "Last-Event-ID": long("1") },
  },
  { name: "a long Origin", path: "/mcp", headers: { Origin: `http://${long("a.")}` } },
  { name: "a long Host", path: "/mcp", headers: { Host: long("a.") } },
  { name: "a Host of digits", path: "/mcp", headers: { Host: `${long("1")}:1` } },
  {
    name: "many headers",
    path: "/mcp",
    headers: Object.fromEntries(Array.from({ length: 90 }, (_, n) => [`X-${n}`, fill("v", 100)])),
  },
  {
    name: "as many headers as there is room for",
    path: "/mcp",
    headers: Object.fromEntries(Array.from({ length: 8_000 }, (_, n) => [`${n}`, ""])),
  },
  { name: "white space within a header", path: "/mcp", headers: { "X-Spaces": `a${long(" ")}b` } },
  { name: "commas", path: "/mcp", headers: { Connection: long(", ") } },
  { name: "a cookie", path: "/mcp", headers: { Cookie: long("a=b; ") } },
  { name: "a long path", path: long("/a") },
  { name: "a path of slashes", path: long("/") },
  { name: "a path of dots", path: long("/..") },
  { name: "an escaped path", path: long("/%2e%2e") },
  { name: "a long query", method: "POST", path: `/message?sessionId=${long("a")}`, headers: POST },
  { name: "a query of many", method: "POST", path: `/message?${long("sessionId=a&")}`, headers: POST },
  { name: "an escaped query", method: "POST", path: `/message?sessionId=${long("%61+")}`, headers: POST },
  {
    name: "subprotocols",
    path: "/ws",
    headers: {
      ...SOCKET,
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Protocol": long("a, ") + "b",
    },
  },
  { name: "a long key", path: "/ws", headers: { ...SOCKET, "Sec-WebSocket-Key": long("a") } },
];
