/** The chain of an audit log: each line has a number, the hash of the line before, and the hash of itself. */
import { createHash } from "node:crypto";
import { isObject } from "../../core/message/jsonrpc.ts";

/** The last line that there is: what the next one is chained to. */
export interface Link {
  readonly seq: number;
  /** SHA-256 of the line up to its own hash, in hex. */
  readonly hash: string;
}

/** Before the first line. */
export const BEGINNING: Link = { seq: 0, hash: "0".repeat(64) };

/** What a line says, with `event` first; a field that is undefined is left out. */
export type Entry = { readonly event: string } & Readonly<Record<string, unknown>>;

/** Makes lines of what was noted, in order. */
export class Chain {
  #seq: number;
  #hash: string;

  constructor({ seq, hash }: Link) {
    this.#seq = seq;
    this.#hash = hash;
  }

  get last(): Link {
    return { seq: this.#seq, hash: this.#hash };
  }

  /** The next line, its newline included. */
  seal(said: string): string {
    const text = `{"seq":${++this.#seq},${said},"prev":"${this.#hash}"`;
    this.#hash = sha256(text);
    return `${text},"hash":"${this.#hash}"}\n`;
  }
}

/**
 * Says when an entry was made, at once. It is chained when it is written, with many others: a hash in the midst of a call
 * costs three times as much as one that follows another.
 */
export class Stamper {
  #at = 0;
  #time = "";
  #second = -1;
  /** Up to the digits of the milliseconds. */
  #secondText = "";

  /** The fields of a line that an entry has, as text, with the time. */
  stamped(entry: Entry): string {
    return `"time":"${this.#now()}",${JSON.stringify(entry).slice(1, -1)}`;
  }

  /** Lines of one millisecond share the text, and those of one second all but its last digits: it costs a third of a line. */
  #now(): string {
    const now = Date.now();
    if (now === this.#at) return this.#time;
    const ms = now % 1000;
    if (now - ms !== this.#second) {
      this.#second = now - ms;
      this.#secondText = new Date(now).toISOString().slice(0, -4);
    }
    this.#at = now;
    return this.#time = `${this.#secondText}${`${ms}`.padStart(3, "0")}Z`;
  }
}

/** A line as it is read. */
export interface ReadLine extends Link {
  readonly prev: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether its hash is that of what it says. */
  readonly intact: boolean;
}

const FORM = /^(\{"seq":\d{1,15},.*,"prev":"([0-9a-f]{64})"),"hash":"([0-9a-f]{64})"\}$/s;

/** Undefined for what is no line of an audit log. */
export function readLine(line: string): ReadLine | undefined {
  const [, text, prev, hash] = FORM.exec(line) ?? [];
  const fields = text === undefined ? undefined : parsed(line);
  if (text === undefined || prev === undefined || hash === undefined || !isObject(fields)) return undefined;
  const { seq, event } = fields;
  if (typeof seq !== "number" || typeof event !== "string") return undefined;
  return { seq, event, prev, hash, fields, intact: sha256(text) === hash };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // Somebody has written there who does not know the form.
  }
}
