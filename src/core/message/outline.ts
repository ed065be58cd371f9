/** Whose message a text is, found without parsing what is nested in it: for texts that are not to be parsed. */
import { largeInteger } from "./large_integer.ts";
import { isId, type RequestId } from "./jsonrpc.ts";
import { closes, endOfString, opens, QUOTE } from "./message_limits.ts";

/** The members of a message that say whose it is. */
export interface Outline {
  id: RequestId | undefined;
  /** Whether it is a call: answers have no method. */
  method: boolean;
  /** Whether it has what an answer has. */
  answer: boolean;
  /** Whether it says that it is JSON-RPC. */
  jsonrpc: boolean;
}

const [COMMA, COLON, BACKSLASH, OPEN_BRACKET] = [0x2c, 0x3a, 0x5c, 0x5b];
/** Of a key, or of a value: what is longer is neither a key that counts nor an id that anybody has. */
const MAX_CHARS = 4_096;

/** Of the message, or of the messages of a batch, but no more than `most`. */
export function outlinesOf(text: string, most: number): Outline[] {
  const reader = new OutlineReader(most);
  reader.push(text);
  return reader.outlines;
}

/** Whom the messages answer. */
export function answerIdsIn(outlines: readonly Outline[]): RequestId[] {
  const answers = outlines.filter(({ method, answer, jsonrpc }) => !method && answer && jsonrpc);
  return answers.flatMap(({ id }) => id === undefined ? [] : [id]);
}

/** Reads a text that comes in pieces, and keeps none of it but what stands for the ids. */
export class OutlineReader {
  readonly outlines: Outline[] = [];
  readonly #most: number;
  /** Of the message that is being read. */
  #outline: Outline | undefined;
  /** How deep the members of a message are: in a batch one deeper. */
  #level = 0;
  #depth = 0;
  #inString = false;
  /** The piece ended behind a backslash. */
  #escaped = false;
  /** Of the member that is being read: its key, and its key or value as far as that is read. */
  #key: string | undefined;
  #said = "";

  constructor(most: number) {
    this.#most = most;
  }

  push(piece: string): void {
    if (piece === "") return;
    let at = this.#inString ? this.#readString(piece, 0) : 0;
    for (; at < piece.length; at++) {
      const code = piece.charCodeAt(at);
      if (code === QUOTE) {
        this.#inString = true;
        this.#say('"');
        at = this.#readString(piece, at + 1) - 1;
      } else if (opens(code)) this.#open(code);
      else if (closes(code)) this.#close();
      else if (this.#depth !== this.#level || this.#depth === 0) continue;
      else if (code === COLON) this.#toValue();
      else if (code === COMMA) this.#endMember();
      else if (code > 0x20) this.#say(piece[at] ?? "");
    }
  }

  /** Where to go on after the string, or after the piece. */
  #readString(piece: string, start: number): number {
    const from = this.#escaped ? start + 1 : start;
    const end = endOfString(piece, from);
    this.#say(piece.slice(start, end + 1));
    this.#inString = end >= piece.length;
    this.#escaped = this.#inString && endsInEscape(piece, from);
    return end + 1;
  }

  /** Keeps what stands among the members of a message. */
  #say(text: string): void {
    if (this.#depth !== this.#level || this.#said.length > MAX_CHARS) return;
    this.#said += text.slice(0, MAX_CHARS + 1);
  }

  #open(code: number): void {
    if (this.#depth === 0) this.#level = code === OPEN_BRACKET ? 2 : 1;
    // As a value it is not null, which is all that counts.
    this.#say("{");
    if (++this.#depth === this.#level) this.#begin();
  }

  #begin(): void {
    this.#outline = this.outlines.length < this.#most
      ? { id: undefined, method: false, answer: false, jsonrpc: false }
      : undefined;
    if (this.#outline) this.outlines.push(this.#outline);
    this.#key = undefined;
    this.#said = "";
  }

  #close(): void {
    if (this.#depth === this.#level) this.#endMember();
    this.#depth--;
  }

  #toValue(): void {
    this.#key = this.#said;
    this.#said = "";
  }

  #endMember(): void {
    const [key, value] = [this.#key, this.#said];
    this.#key = undefined;
    this.#said = "";
    const outline = this.#outline;
    if (!outline || key === undefined) return;
    if (key === '"method"') outline.method = value !== "null";
    else if (key === '"result"' || key === '"error"') outline.answer = true;
    else if (key === '"jsonrpc"') outline.jsonrpc = value === '"2.0"';
    else if (key === '"id"') outline.id = scalarIn(value);
  }
}

/** Whether what begins at `from`, within a string, ends behind a backslash that escapes what comes next. */
function endsInEscape(text: string, from: number): boolean {
  let at = text.length;
  while (at > from && text.charCodeAt(at - 1) === BACKSLASH) at--;
  return (text.length - at) % 2 === 1;
}

function scalarIn(text: string): RequestId | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isId(value) ? largeInteger(text) ?? value : undefined;
  } catch {
    return undefined; // None, or longer than what is kept.
  }
}
