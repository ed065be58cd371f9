/**
 * Which arguments the calls of each tool repeat in headers, as its server says in `x-mcp-header` (2026-07-28, Streamable HTTP
 * page, "Custom Headers from Tool Parameters"): known from the lists of tools that clients were given, or asked for.
 */
import { Recent } from "../../base/recent.ts";
import { annotationsOf, type ParamAnnotation } from "./param_annotations.ts";
import { isObject, type JsonRpcMessage, type Params } from "../message/jsonrpc.ts";

/** Of one tool. */
type Annotations = readonly ParamAnnotation[];

const NONE: Annotations = [];
/** What the name of a tool and its annotations may come to; one beyond that is as one that was never listed. */
const MAX_TOOL_CHARS = 8 * 1024;

/** A tool whose annotations break a rule: nobody is to call it. */
export interface FaultyTool {
  readonly name: string;
  readonly problem: string;
}

export class ToolHeaders {
  readonly #max: number;
  #known: Recent<Annotations>;
  /** Whether all tools were listed: what is not known then has no annotations. */
  #listed = false;
  #listing: Listing | undefined;

  /** `max` tools are remembered: those that were called last. */
  constructor(max: number) {
    this.#max = max;
    this.#known = new Recent(max);
  }

  /** Undefined where the tools have to be listed first. `whose` tells apart who may have other tools of the same names. */
  of(name: string, whose = ""): Annotations | undefined {
    return this.#known.get(keyOf(name, whose)) ?? (this.#listed ? NONE : undefined);
  }

  /** Learns from an entry of a list of tools. */
  learn(tool: unknown, whose = ""): FaultyTool | undefined {
    if (!isObject(tool) || typeof tool.name !== "string") return undefined;
    const { name } = tool;
    const found = annotationsOf(tool.inputSchema);
    const annotations = typeof found === "string" ? NONE : found;
    const key = keyOf(name, whose);
    if (sizeOf(name, annotations) <= MAX_TOOL_CHARS) this.#known.set(key, annotations);
    // What it had before is not to be asked for any more.
    else this.#known.delete(key);
    if (typeof found === "string") return { name, problem: found };
    this.#listing?.hear(name, annotations);
  }

  /** Learns from an answer to `tools/list`. */
  learnFrom(answer: JsonRpcMessage, whose?: string): void {
    if (!("result" in answer) || !isObject(answer.result) || !Array.isArray(answer.result.tools)) return;
    for (const tool of answer.result.tools) this.learn(tool, whose);
  }

  /** What is known may be wrong from now on. */
  forget(): void {
    this.#listed = false;
    this.#known = new Recent(this.#max);
  }

  /** Learns from these pages, or from those that are being read for another call; settles with what this tool wants. */
  async list(name: string, pages: () => AsyncIterable<Params>): Promise<Annotations> {
    const listing = this.#listing ??= new Listing(() => this.#readAll(pages()));
    return await listing.find(name) ?? this.of(name) ?? NONE;
  }

  async #readAll(pages: AsyncIterable<Params>): Promise<void> {
    try {
      for await (const { tools } of pages) {
        if (Array.isArray(tools)) { for (const tool of tools) this.learn(tool); }
      }
      this.#listed = true;
    } finally {
      this.#listing = undefined;
    }
  }
}

/** The tools are being listed. What is looked for is kept here: they may be more than are remembered. */
class Listing {
  readonly #wanted = new Map<string, Annotations | undefined>();
  readonly #done: Promise<void>;

  constructor(read: () => Promise<void>) {
    this.#done = read();
  }

  hear(name: string, annotations: Annotations): void {
    if (this.#wanted.has(name)) this.#wanted.set(name, annotations);
  }

  async find(name: string): Promise<Annotations | undefined> {
    this.#wanted.set(name, undefined);
    await this.#done;
    return this.#wanted.get(name);
  }
}

/** Says where the name begins: one may be spelled like somebody's tool. */
function keyOf(name: string, whose: string): string {
  return `${whose.length}:${whose}${name}`;
}

function sizeOf(name: string, annotations: Annotations): number {
  return annotations.reduce((sum, { header, path }) => sum + header.length + path.join().length, name.length);
}
