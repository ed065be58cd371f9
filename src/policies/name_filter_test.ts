import assert from "node:assert/strict";
import type { Peer } from "../core/backend.ts";
import type { Envelope } from "../core/channel.ts";
import { GatewayError } from "../core/errors.ts";
import type { Direction } from "../core/events.ts";
import type { JsonRpcMessage } from "../core/message/jsonrpc.ts";
import { parseMessage } from "../core/message/parse.ts";
import { glob } from "../base/glob.ts";
import { notification, request, result } from "../../tests/support/messages.ts";
import { Random, randomSeed } from "../../tests/support/random.ts";
import { hiddenNames } from "./hidden_names.ts";
import { nameFilter } from "./name_filter.ts";
import type { FilterSettings } from "./options.ts";

const patterns = (...list: readonly string[]) => list.map((pattern) => ({ pattern, matches: glob(pattern) }));
const SETTINGS: FilterSettings = {
  tools: { allow: patterns("read_*", "list"), deny: patterns("*_secret") },
  prompts: { allow: undefined, deny: patterns("internal*") },
  resources: { allow: patterns("file:///open/*"), deny: [] },
};

interface Passage {
  readonly direction?: Direction;
  /** What an answer answers. */
  readonly method?: string;
  readonly text?: string | undefined;
}

const FILTER = nameFilter(hiddenNames(SETTINGS, 100));
const PEER: Peer = { session: "s1", wire: "stdio", scope: "session" };

/** What is passed on; undefined where nothing is. Throws what refuses it. */
function passed(
  message: JsonRpcMessage,
  { direction = "up", method, text }: Passage = {},
): Envelope | undefined {
  const envelope: Envelope = { message, text: text ?? JSON.stringify(message) };
  let through = false;
  const known = method ?? ("method" in message ? message.method : undefined);
  FILTER(
    { peer: PEER, direction, envelope, method: known },
    () => void (through = true),
  );
  return through ? envelope : undefined;
}

function refusal(
  method: string,
  params: Record<string, unknown>,
): [code: number, message: string] | undefined {
  try {
    passed(request(1, method, params));
    return undefined;
  } catch (error) {
    assert(error instanceof GatewayError);
    return [error.code, error.message];
  }
}

Deno.test("nameFilter refuses what is hidden as a server refuses what it does not have", () => {
  const tool = (name: string) => refusal("tools/call", { name, arguments: {} });
  for (const name of ["read_file", "list"]) assert.equal(tool(name), undefined, name);
  for (const name of ["write_file", "read_secret", "List", ""]) {
    assert.deepEqual(tool(name), [-32602, `Unknown tool: ${name}`]);
  }
  assert.equal(refusal("prompts/get", { name: "summary" }), undefined);
  assert.deepEqual(refusal("prompts/get", { name: "internal_1" }), [-32602, "Unknown prompt: internal_1"]);
  for (const method of ["resources/read", "resources/subscribe", "resources/unsubscribe"]) {
    assert.equal(refusal(method, { uri: "file:///open/a/b" }), undefined);
    assert.deepEqual(refusal(method, { uri: "file:///etc/passwd" }), [-32002, "Resource not found"]);
  }
  const complete = (ref: unknown) =>
    refusal("completion/complete", { ref, argument: { name: "a", value: "" } });
  assert.equal(complete({ type: "ref/prompt", name: "summary" }), undefined);
  assert.equal(complete({ type: "ref/prompt", name: "internal" })?.[0], -32602);
  assert.equal(complete({ type: "ref/resource", uri: "file:///etc/{name}" })?.[0], -32002);
});

Deno.test("nameFilter refuses what is no name: a server may make one of it", () => {
  const refused = (method: string, params: Record<string, unknown>, member: string) =>
    assert.deepEqual(refusal(method, params), [-32602, `Invalid params: "${member}" is not a string`]);
  for (const name of [["write"], { toString: "write" }, 7, true, null, undefined]) {
    refused("tools/call", { name }, "name");
    refused("prompts/get", { name }, "name");
    refused("resources/read", { uri: name }, "uri");
    refused("completion/complete", { ref: { type: "ref/prompt", name } }, "name");
    refused("completion/complete", { ref: { type: "ref/resource", uri: name } }, "uri");
  }
  for (const ref of [undefined, "internal", ["internal"], { type: "REF/prompt", name: "internal" }, {}]) {
    assert.equal(refusal("completion/complete", { ref })?.[0], -32602);
  }
  for (const params of [undefined, ["write", {}]]) {
    const message: JsonRpcMessage = JSON.parse(JSON.stringify(request(1, "tools/call")));
    assert.throws(() => passed(Object.assign(message, { params })), GatewayError);
  }
});

Deno.test("nameFilter passes on no key of a reference that a server might take for another", () => {
  const text =
    '{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"Ref":{"type":"ref/prompt"},' +
    '"ref":{"type":"ref/prompt","name":"a","NAME":"internal","Type":"x","n":1},"argument":{"name":"b"}}}';
  assert.equal(
    passed(JSON.parse(text), { text })?.text,
    '{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a","n":1},' +
      '"argument":{"name":"b"}}}',
  );
});

Deno.test("nameFilter refuses a call that wants no answer, too: some servers act upon it", () => {
  assert.throws(() => passed(notification("tools/call", { name: "write" })), GatewayError);
  assert(passed(notification("tools/call", { name: "read_a" })));
});

Deno.test("nameFilter leaves kinds alone of which nothing is hidden", () => {
  const open = { allow: undefined, deny: [] };
  const tools = nameFilter(hiddenNames({ ...SETTINGS, prompts: open, resources: open }, 100));
  for (
    const [method, params] of [
      ["prompts/get", { name: ["internal"] }],
      ["resources/read", { uri: 7 }],
      ["completion/complete", { ref: { type: "ref/new", name: "a" } }],
    ] as const
  ) {
    let through = false;
    const envelope: Envelope = { message: request(1, method, params) };
    tools({ peer: PEER, direction: "up", envelope, method }, () => void (through = true));
    assert(through, method);
  }
});

Deno.test("nameFilter passes on an answer of the client with nothing beside it, and its numbers as they were", () => {
  const stray = '"Method":"tools/call","PARAMS":{"name":"write"},"ID":1';
  for (const answer of ['"result":{"roots":[],"n":1.0}', '"error":{"code":-1.0,"message":"no"}']) {
    const text = `{"jsonrpc":"2.0","id":12345678901234567890,${answer},${stray}}`;
    assert.equal(
      passed(parseMessage(text), { text })?.text,
      `{"jsonrpc":"2.0","id":12345678901234567890,${answer}}`,
    );
  }
});

Deno.test("nameFilter hides in lists what may not be asked for, and leaves all else as it is spelled", () => {
  const text =
    '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read_a","n":1.0,"inputSchema":{"max":1e2}} , ' +
    '{"name":"write","n":[1]}, {"name":"read_secret"},{"name":"list","big":12345678901234567890}],"nextCursor":"2.0","x":1.50}}';
  const envelope = passed(JSON.parse(text), { direction: "down", method: "tools/list", text });
  assert.equal(
    envelope?.text,
    '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read_a","n":1.0,"inputSchema":{"max":1e2}},' +
      '{"name":"list","big":12345678901234567890}],"nextCursor":"2.0","x":1.50}}',
  );
  assert.deepEqual(
    (JSON.parse(envelope?.text ?? "").result.tools as { name: string }[]).map(({ name }) => name),
    ["read_a", "list"],
  );
  const listed = (method: string, value: unknown) => {
    const answer = passed(result(1, value), { direction: "down", method });
    assert(answer && "result" in answer.message);
    assert.deepEqual(JSON.parse(answer.text ?? ""), answer.message);
    return answer.message.result;
  };
  assert.deepEqual(listed("prompts/list", { prompts: [{ name: "internal" }, { name: "b" }, 7, {}] }), {
    prompts: [{ name: "b" }, 7, {}],
  });
  assert.deepEqual(listed("resources/list", { resources: [{ uri: "file:///open/a" }, { uri: "x:y" }] }), {
    resources: [{ uri: "file:///open/a" }],
  });
  const templates = [{ uriTemplate: "file:///open/{path}" }, { uriTemplate: "file:///{path}" }];
  assert.deepEqual(listed("resources/templates/list", { resourceTemplates: templates }), {
    resourceTemplates: templates.slice(0, 1),
  });
  // A page may be empty, and still lead on.
  assert.deepEqual(listed("tools/list", { tools: [{ name: "write" }], nextCursor: "b" }), {
    tools: [],
    nextCursor: "b",
  });
});

Deno.test("nameFilter leaves answers to other requests, and odd ones, alone", () => {
  const text = '{"jsonrpc":"2.0", "id":1,"result":{"tools":[{"name":"write"}]}}';
  for (const method of ["tools/call", "prompts/list", "x", undefined]) {
    assert.equal(passed(JSON.parse(text), { direction: "down", ...method && { method }, text })?.text, text);
  }
  for (const value of [null, [], "a", { tools: "none" }, { tools: {} }, {}]) {
    const answer = JSON.stringify(result(1, value));
    assert.equal(
      passed(JSON.parse(answer), { direction: "down", method: "tools/list", text: answer })?.text,
      answer,
    );
  }
});

Deno.test("nameFilter tells no client of a resource that is hidden", () => {
  const updated = (uri: unknown) => notification("notifications/resources/updated", { uri });
  for (const uri of ["file:///etc/passwd", "file:///open/../etc/passwd"]) {
    assert.throws(() => passed(updated(uri), { direction: "down" }), /^RequestError: It tells of a resource/);
  }
  assert(passed(updated("file:///open/a"), { direction: "down" }));
  assert(passed(updated(7), { direction: "down" }));
});

/** As JSON; more than one of them is "write" to some server. */
const NAMES = ['"read_a"', '"write"', '"\\u0077rite"', '["write"]', "7", "null"];

Deno.test("nameFilter lets no hidden name through, however the message is spelled", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const pick = <T>(items: readonly T[]) => random.pick(items);
  const spellings = (key: string) => [
    key,
    key.toUpperCase(),
    key[0]!.toUpperCase() + key.slice(1),
    `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`,
  ];
  for (let turn = 0; turn < 2_000; turn++) {
    const member = (key: string, values: readonly string[]) => `"${pick(spellings(key))}":${pick(values)}`;
    const nameMember = () => member("name", NAMES);
    const params = `{${[nameMember(), nameMember(), '"arguments":{}'].slice(pick([0, 1])).join(",")}}`;
    const parts = [
      '"jsonrpc":"2.0"',
      ...pick([['"id":1'], []]),
      member("method", ['"tools/call"', '"ping"', '"tools\\/call"']),
      `"${pick(spellings("params"))}":${params}`,
      member("method", ['"tools/call"', '"ping"']),
    ];
    const text = `{${parts.slice(0, parts.length - pick([0, 1])).join(",")}}`;
    const message = JSON.parse(text);
    if (typeof message.method !== "string") continue;
    let said: string | undefined;
    try {
      said = passed(message, { text })?.text;
    } catch (error) {
      assert(error instanceof GatewayError);
      continue;
    }
    assert(said !== undefined);
    const understood = JSON.parse(said);
    const told = `seed ${seed}: ${text} is said as ${said}`;
    // No key stands twice, and none passes for another: every reader finds what we have judged.
    assert.equal(JSON.stringify(understood), said, told);
    const named = understood.method === "tools/call" ? Object.keys(understood.params ?? {}) : [];
    const keys = [...Object.keys(understood), ...named];
    assert.equal(new Set(keys.map((key) => key.toLowerCase())).size, keys.length, told);
    assert(
      keys.every((key) => ["jsonrpc", "id", "method", "params", "name", "arguments"].includes(key)),
      told,
    );
    assert(understood.method !== "tools/call" || `${understood.params?.name}` !== "write", told);
  }
});

Deno.test("nameFilter lists no hidden name, however the list is spelled, and all else as it is spelled", () => {
  const seed = randomSeed();
  const random = new Random(seed);
  const pick = <T>(items: readonly T[]) => random.pick(items);
  const some = <T>(make: () => T) => Array.from({ length: random.below(6) }, make);
  const space = () => pick(["", "", " ", "\n\t"]);
  const joined = (parts: readonly string[]) => parts.map((part) => space() + part + space()).join(",");
  const key = (name: string) =>
    pick([`"${name}"`, `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`]);
  for (let turn = 0; turn < 2_000; turn++) {
    const entries = some(() => {
      const name = pick(['"read_a"', '"list"', '"write"', '"\\u0077rite"', '"read_\\u0073ecret"', '"]}"']);
      const rest = some(() => `"x${random.below(9)}":${pick(["1.0", '"],{"', "[[]]", '{"name":"write"}'])}`);
      return { name, spelled: `{${joined([...rest, `${key("name")}:${name}`])}}` };
    });
    const odd = some(() => ({
      name: undefined,
      spelled: pick(["1.50", "true", "null", '"write"', "[]", "{}"]),
    }));
    const all = [...entries, ...odd];
    const list = `[${joined(all.map(({ spelled }) => spelled))}]`;
    const text = `{"jsonrpc":"2.0","id":1,"result":{${
      joined([`${key("tools")}:${list}`, '"n":1.0', '"nextCursor":"\\u0061"'])
    }}}`;
    const told = `seed ${seed}: ${text}`;
    const answer = passed(JSON.parse(text), { direction: "down", method: "tools/list", text });
    const said = JSON.parse(answer?.text ?? "");
    assert.deepEqual(answer?.message, said, told);
    const kept = all.filter(({ name }) =>
      name === undefined || ["read_a", "list"].includes(JSON.parse(name))
    );
    assert.deepEqual(said.result.tools, kept.map(({ spelled }) => JSON.parse(spelled)), told);
    for (const { spelled } of kept) assert(answer?.text?.includes(spelled), told);
    assert(answer?.text?.includes('"n":1.0') && said.result.nextCursor === "a", told);
  }
});
