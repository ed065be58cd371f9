import assert from "node:assert/strict";
import type { Peer } from "../core/backend.ts";
import type { Envelope } from "../core/channel.ts";
import { GatewayError } from "../core/errors.ts";
import type { Direction } from "../core/events.ts";
import type { JsonRpcMessage } from "../core/message/jsonrpc.ts";
import { glob } from "../base/glob.ts";
import { notification, request, result } from "../../tests/support/messages.ts";
import { Random, randomSeed } from "../../tests/support/random.ts";
import { isFiltered, nameFilter } from "./name_filter.ts";
import type { FilterSettings } from "./options.ts";

const patterns = (...list: readonly string[]) => list.map((pattern) => ({ pattern, matches: glob(pattern) }));
const OPEN = { allow: undefined, deny: [] };
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

const PEER: Peer = { session: "s1", wire: "stdio", scope: "session" };

/** What is passed on; undefined where nothing is. Throws what refuses it. */
function passed(
  message: JsonRpcMessage,
  { direction = "up", method, text }: Passage = {},
): Envelope | undefined {
  const envelope: Envelope = { message, text: text ?? JSON.stringify(message) };
  let through = false;
  const known = method ?? ("method" in message ? message.method : undefined);
  nameFilter(SETTINGS)({ peer: PEER, direction, envelope, method: known }, () => void (through = true));
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
    assert.deepEqual(tool(name), [-32602, `Unknown tool: ${JSON.stringify(name)}`]);
  }
  assert.equal(refusal("prompts/get", { name: "summary" }), undefined);
  assert.deepEqual(refusal("prompts/get", { name: "internal_1" }), [-32602, 'Unknown prompt: "internal_1"']);
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
  assert.equal(passed(updated("file:///etc/passwd"), { direction: "down" }), undefined);
  assert(passed(updated("file:///open/a"), { direction: "down" }));
  assert(passed(updated(7), { direction: "down" }));
});

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
    const nameMember = () => member("name", ['"read_a"', '"write"', '"\\u0077rite"', "7", "null"]);
    const params = `{${[nameMember(), nameMember(), '"arguments":{}'].slice(pick([0, 1])).join(",")}}`;
    const parts = [
      '"jsonrpc":"2.0"',
      '"id":1',
      member("method", ['"tools/call"', '"ping"', '"tools\\/call"']),
      `"${pick(spellings("params"))}":${params}`,
      member("method", ['"tools/call"', '"ping"']),
    ];
    const text = `{${parts.slice(0, pick([4, 5])).join(",")}}`;
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
    assert(understood.method !== "tools/call" || understood.params?.name !== "write", told);
  }
});

Deno.test("isFiltered is false where everything is let through", () => {
  assert.equal(isFiltered({ tools: OPEN, prompts: OPEN, resources: OPEN }), false);
  assert.equal(isFiltered({ tools: { allow: [], deny: [] }, prompts: OPEN, resources: OPEN }), true);
  assert.equal(
    isFiltered({ tools: OPEN, prompts: OPEN, resources: { allow: undefined, deny: patterns("*") } }),
    true,
  );
});
