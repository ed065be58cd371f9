/**
 * A server that hands back what it is told, digit by digit, whichever wire it is on: it answers a message by texts.
 *
 * Tools (params.name), each with params.arguments: echo {value}, with what was heard as a text too; fail {value}, an error
 * that has it as data; report {value}, a report of progress that has it, then as echo; ask {value}, a request of its own
 * that has it, and the answer of the client is the result; noted {}, the last notification.
 */
import { parseExactly } from "./exact_json.ts";

/** What is looked into of a message. */
interface Heard {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: unknown;
}

interface Params {
  readonly name?: string;
  readonly arguments?: { readonly value?: unknown };
  readonly _meta?: { readonly progressToken?: unknown };
  readonly protocolVersion?: unknown;
}

/** In its handshake, where many clients are told of it. */
export const EXPERIMENTAL = '{"large":1915883588174806058,"one":1.0}';
/** A number that no double holds. */
const QUESTION = "9007199254740995";

export class ExactServer {
  #noted: unknown = null;
  #asking: unknown;

  /** What it says to this message, each on one line. */
  answer(text: string): string[] {
    const message = parseExactly(text) as Heard;
    const { method, id, params = {} } = message;
    if (method === undefined) return [result(this.#asking, message.result)];
    if (id === undefined) return this.#note(message);
    if (method === "initialize") return [result(id, introduction(params))];
    if (method !== "tools/call") return [result(id, {})];
    return this.#call(id, params);
  }

  #note(message: Heard): string[] {
    if (message.method === "notifications/vendor") this.#noted = message.params;
    return [];
  }

  #call(id: unknown, { name, arguments: { value } = {}, _meta: meta }: Params): string[] {
    if (name === "noted") return [result(id, { value: this.#noted })];
    if (name === "fail") {
      return [text({ jsonrpc: "2.0", id, error: { code: 7, message: "no", data: value } })];
    }
    if (name === "ask") {
      this.#asking = id;
      return [
        `{"jsonrpc":"2.0","id":${QUESTION},"method":"sampling/createMessage","params":${text({ value })}}`,
      ];
    }
    const echoed = result(id, { value, heard: JSON.stringify(value) });
    if (name === "echo") return [echoed];
    const params = { progressToken: meta?.progressToken, progress: JSON.rawJSON("0.10"), value };
    return [text({ jsonrpc: "2.0", method: "notifications/progress", params }), echoed];
  }
}

function introduction({ protocolVersion }: Params) {
  const capabilities = { tools: {}, experimental: parseExactly(EXPERIMENTAL) };
  return { protocolVersion, capabilities, serverInfo: { name: "exact", version: "1.0.0" } };
}

function result(id: unknown, value: unknown): string {
  return text({ jsonrpc: "2.0", id, result: value });
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
