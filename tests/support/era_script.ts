/** What happens in the course of one call, by chance, as both of its ends know it: each is held against what it hears. */
import assert from "node:assert/strict";
// For the types of what it adds to JSON.
import "../../src/core/message/large_integer.ts";
import { JsonTexts, parseExactly } from "./exact_json.ts";
import { Random } from "./random.ts";

/** All texts are JSON. Each one names its call, whoever says it. */
export interface Question {
  readonly method: string;
  readonly params: string;
  readonly answer: string;
}

export type Step =
  /** Members of a notification of progress, beside its token. */
  | { readonly kind: "progress"; readonly members: readonly string[] }
  /** The params of something that is logged. */
  | { readonly kind: "log"; readonly params: string }
  /** Asked at once. */
  | { readonly kind: "ask"; readonly questions: readonly Question[] };

export type Outcome =
  | { readonly kind: "result"; readonly members: readonly string[]; readonly meta: readonly string[] }
  | { readonly kind: "error"; readonly code: number; readonly members: readonly string[] }
  /** Its client takes it back. */
  | { readonly kind: "cancel" };

export interface Script {
  /** Names the call. */
  readonly call: number;
  readonly id: string;
  readonly method: string;
  /** Members of its params, beside `_meta`. */
  readonly params: readonly string[];
  /** Members of its `_meta`, beside the token. */
  readonly meta: readonly string[];
  readonly token: string | undefined;
  readonly steps: readonly Step[];
  readonly outcome: Outcome;
}

/** The name of a call in all that belongs to it. */
export const CALL = "com.example/call";
const TRACE = [
  '"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"',
  '"tracestate":"a=1,b=\\u0032"',
  '"baggage":"user=\\u00e4da"',
];
/** What may be answered with questions, and what may not. */
const ASKING = ["tools/call", "prompts/get", "resources/read"];
const OTHERS = ["tools/list", "resources/list", "completion/complete", "vendor/whatever"];
/** Those of the specification that mean the same in all revisions, and those of servers. */
const CODES = [-32603, -32602, -32601, -32002, -32000, 1, 42];

/** What becomes of an error's code: 2026-07-28 has no code of its own for a resource that is not there. */
export function heardCode(code: number): number {
  return code === -32002 ? -32602 : code;
}

export class Scripts {
  readonly #random: Random;
  readonly #json: JsonTexts;
  readonly #taken = new Set<string>();
  #calls = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#json = new JsonTexts(seed);
  }

  next(): Script {
    const call = ++this.#calls;
    const asks = this.#random.chance(0.6);
    const method = this.#random.pick(asks ? ASKING : OTHERS);
    const token = this.#random.chance(0.7) ? this.name() : undefined;
    const outcome = this.#outcome(call, method);
    // A call whose client is asked, and takes it back, waits at the server until it is given up: nothing tells of it.
    const asked = asks && outcome.kind !== "cancel";
    const steps = Array.from({ length: this.#random.below(5) }, () => this.#step(call, asked))
      // Who has asked for no progress is told of none.
      .filter(({ kind }) => kind !== "progress" || token !== undefined);
    const params = [...this.#paramsOf(method), ...this.#members(call)];
    const meta = [member(CALL, call), ...this.#meta()];
    return { call, id: this.name(), method, params, meta, token, steps, outcome };
  }

  /** An id or a token that no other request has. */
  name(): string {
    while (true) {
      const name = this.#json.name();
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return name;
    }
  }

  #step(call: number, asks: boolean): Step {
    const dice = this.#random.below(asks ? 3 : 2);
    if (dice === 0) {
      const own = ['"progress":1.0', member("total", this.#json.value(0))];
      return { kind: "progress", members: [...own, ...this.#members(call), this.#metaMember(call)] };
    }
    if (dice === 1) {
      const data = this.#json.spaced("{", member(CALL, call), member("said", this.#json.value()), "}");
      const own = ['"level":"warning"', member("data", data), this.#metaMember(call)];
      return { kind: "log", params: this.#json.spaced("{", ...own, "}") };
    }
    const count = 1 + this.#random.below(3);
    return { kind: "ask", questions: Array.from({ length: count }, (_, at) => this.#question(call, at)) };
  }

  #question(call: number, at: number): Question {
    const object = () => this.#json.object();
    const kinds = [
      ["elicitation/create", ['"message":"Who\\u003f"', member("requestedSchema", object())], [
        '"action":"accept"',
        member("content", object()),
      ]],
      ["sampling/createMessage", ['"messages":[]', '"maxTokens":1e2', '"temperature":0.10'], [
        ...['"role":"assistant"', '"model":"m"'],
        member("content", object()),
      ]],
      ["roots/list", [], [`"roots":[${object()}]`]],
    ] as const;
    const [method, params, answer] = this.#random.pick(kinds);
    const said = (own: readonly string[]) =>
      this.#json.spaced(
        "{",
        ...[...own, member("question", at), ...this.#members(call), this.#metaMember(call)],
        "}",
      );
    return { method, params: said(params), answer: said(answer) };
  }

  #outcome(call: number, method: string): Outcome {
    if (this.#random.chance(0.1)) return { kind: "cancel" };
    if (this.#random.chance(0.25)) {
      const own = ['"message":"nein\\u0021"', member("data", this.#json.value())];
      return { kind: "error", code: this.#random.pick(CODES), members: own };
    }
    const own = {
      "tools/call": ['"content":[]', member("structuredContent", this.#json.object())],
      "tools/list": ['"tools":[{"name":"a","inputSchema":{"type":"object"}}]', '"nextCursor":"\\u0061"'],
    };
    const members = [...method in own ? own[method as keyof typeof own] : [], ...this.#members(call)];
    return { kind: "result", members, meta: this.#meta() };
  }

  #paramsOf(method: string): string[] {
    if (method === "tools/call") return ['"name":"tool"', member("arguments", this.#json.object())];
    if (method === "resources/read") return ['"uri":"test://\\u00fc"'];
    return method === "prompts/get" ? ['"name":"prompt"'] : [];
  }

  /** What nobody here knows. */
  #members(call: number): string[] {
    const own = this.#random.chance(0.5) ? [member("toString", this.#json.value())] : [];
    const odd = this.#random.chance(0.3) ? ['"__proto__":{"x":1.0}'] : [];
    return [member(CALL, call), ...own, ...odd, member("x-unknown", this.#json.value())];
  }

  #meta(): string[] {
    const trace = TRACE.filter(() => this.#random.chance(0.5));
    return [...trace, member("com.example/x", this.#json.value()), member("plain", this.#json.value(1))];
  }

  #metaMember(call: number): string {
    return member("_meta", this.#json.spaced("{", member(CALL, call), ...this.#meta(), "}"));
  }
}

export function member(key: string, json: string | number): string {
  return `${JSON.stringify(key)}:${json}`;
}

export function object(members: readonly string[]): string {
  return `{${members.join(",")}}`;
}

/** The same for two texts whose values are the same, each number as it is spelled: an order of keys is none of JSON's. */
export function valueOf(text: string): string {
  return JSON.stringify(inOrder(parseExactly(text)));
}

export function assertSame(found: string | undefined, wanted: string, where: string): void {
  assert(found !== undefined, where);
  assert.equal(valueOf(found), valueOf(wanted), where);
}

const json = JSON as unknown as { isRawJSON(value: unknown): boolean };

function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null || json.isRawJSON(value)) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const entries = Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1);
  return Object.fromEntries(entries.map(([key, own]) => [key, inOrder(own)]));
}
