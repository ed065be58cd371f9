/** What the load consists of: `tools/call` requests with ids of their own, and the check of what comes back. */

/** The size and kind of one call. */
export interface Shape {
  /** Characters that the request carries, and the answer repeats. */
  readonly request: number;
  /** Characters that the answer has besides those. */
  readonly answer: number;
  /** Notifications that precede the answer. */
  readonly progress: number;
  /** Each call says of itself that it is of 2026-07-28. */
  readonly modern?: true;
}

/** A body of about 100 bytes each way. */
export const SMALL: Shape = { request: 32, answer: 0, progress: 0 };

export const PROTOCOL_VERSION = "2025-06-18";
export const MODERN_VERSION = "2026-07-28";

const PREFIX = "io.modelcontextprotocol";
/** What such a call says, as the members of `_meta`. */
const SAID = `"${PREFIX}/protocolVersion":"${MODERN_VERSION}","${PREFIX}/clientCapabilities":{},` +
  `"${PREFIX}/clientInfo":{"name":"bench","version":"1.0.0"}`;

/** An answer that is not the one to the call; the benchmark fails when there is one. */
export class WrongAnswerError extends Error {
  override name = "WrongAnswerError";
}

const FIRST_ID = 100_000_000; // every id has nine digits, so that every body of a shape has the same length
const LAST_ID = 999_000_000;
const ID = "<id>";

export class Ids {
  #next = FIRST_ID;

  next(): number {
    return this.block(1);
  }

  /** The first of so many ids in a row. */
  block(count: number): number {
    if (this.#next + count > LAST_ID) this.#next = FIRST_ID;
    const first = this.#next;
    this.#next += count;
    return first;
  }
}

/** The body of a call, cut where its id belongs: `parts.join(id)`. */
export function callParts({ request, answer, progress, modern }: Shape): string[] {
  const text = `"text":"m${ID}-${"x".repeat(request)}"`;
  const fill = answer > 0 ? `,"fill":${answer}` : "";
  const steps = progress > 0 ? `,"progress":${progress}` : "";
  const said = [...progress > 0 ? [`"progressToken":${ID}`] : [], ...modern ? [SAID] : []];
  const meta = said.length > 0 ? `,"_meta":{${said.join(",")}}` : "";
  const params = `{"name":"echo","arguments":{${text}${fill}${steps}}${meta}}`;
  return `{"jsonrpc":"2.0","id":${ID},"method":"tools/call","params":${params}}`.split(ID);
}

/** How long the body is once its ids are in. */
export function bodyLength(parts: readonly string[]): number {
  const idLength = String(FIRST_ID).length;
  return parts.reduce((length, part) => length + part.length, idLength * (parts.length - 1));
}

/** What stands behind the id in the text of the right answer, up to its quote. */
export function fillOf({ request, answer }: Shape): string {
  return `${"x".repeat(request + answer)}"`;
}

/** The id of the message that a text carries, NaN where there is none. */
export function idOf(text: string): number {
  const at = text.indexOf('"id":');
  return at < 0 ? NaN : Number.parseInt(text.slice(at + 5, at + 15));
}

/** Returns a check that throws {@linkcode WrongAnswerError} unless a text is the answer to call `id`. */
export function answerCheck(shape: Shape): (text: string, id: number) => void {
  const fill = fillOf(shape);
  return (text, id) => {
    if (idOf(text) !== id) throw new WrongAnswerError(`The answer to ${id} is ${excerpt(text)}`);
    const tag = `"text":"m${id}-`;
    const at = text.indexOf(tag);
    if (at < 0 || !text.startsWith(fill, at + tag.length)) {
      throw new WrongAnswerError(`The answer to ${id} has another content: ${excerpt(text)}`);
    }
    if (shape.progress > 0) checkProgress(text, id, shape.progress);
  };
}

/** Throws where a notification is another caller's, out of order, or late; a lost one is an error, and no wrong answer. */
function checkProgress(text: string, id: number, count: number): void {
  const notifications = [...text.matchAll(/^data: .*"notifications\/progress".*$/gm)];
  const answer = text.indexOf(`"text":"m${id}-`);
  let last = 0;
  for (const { 0: line, index } of notifications) {
    const step = Number(line.match(/"progress":(\d+)/)?.[1]);
    const own = line.match(/"progressToken":(\d+)/)?.[1] === `${id}`;
    if (!own || !(step > last) || step > count || index > answer) {
      throw new WrongAnswerError(`Call ${id} got a notification that is not its own: ${excerpt(line)}`);
    }
    last = step;
  }
  const lost = count - notifications.length;
  if (lost > 0) throw new Error(`${lost} of ${count} notifications were lost`);
}

function excerpt(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text || "empty";
}
