/**
 * The text of a message in which what is to stay as it is spelled is replaced by short texts, so that the rest can be
 * parsed, changed and written anew: a double rounds what has more digits than it holds, and to many a reader `1.0` is
 * another number than `1`. What nobody changes is not even looked into.
 */
import { eachMember, endOfValue, isObjectAt, nameAt } from "./members.ts";
import { opens } from "./message_limits.ts";

const [MINUS, DIGIT_0, DIGIT_9] = [0x2d, 0x30, 0x39];
/** Objects whose members somebody may change. */
const OPENED = new Set(["params", "params._meta", "result", "result._meta", "result.capabilities", "error"]);
/** So are all in here. */
const OPENED_BELOW = "result.capabilities.";
const MARK_CHARS = 16;

/** Begins the texts that stand for others: nobody can know it, so no text of a message is taken for one. */
let mark: string | undefined;
/** Such a text, as JSON has it; made once, since it costs as much as all the rest of a small message. */
let markPattern: RegExp | undefined;

export class Kept {
  /** With a text for each value that was replaced. */
  readonly json: string;
  readonly #mark = mark ??= `${crypto.randomUUID().replaceAll("-", "").slice(0, MARK_CHARS)}:`;
  readonly #spelled: string[] = [];
  readonly #text: string;
  #json = "";
  /** So far the text is copied. */
  #copied = 0;

  /** `message` must be what JSON.parse has found an object in. */
  constructor(message: string) {
    this.#text = message;
    this.#keepMembers(message.indexOf("{"), "");
    this.json = this.#json + message.slice(this.#copied);
  }

  /** Puts back what was replaced, in JSON that was made of what `json` holds. */
  restore(json: string): string {
    if (this.#spelled.length === 0) return json;
    markPattern ??= new RegExp(`"${this.#mark}(\\d+)"`, "g");
    return json.replaceAll(markPattern, (_, index) => this.#spelled[index] ?? "");
  }

  /** What a text in `json` stands for. */
  spellingOf(value: unknown): string | undefined {
    if (typeof value !== "string" || !value.startsWith(this.#mark)) return undefined;
    return this.#spelled[Number(value.slice(this.#mark.length))];
  }

  #keepMembers(start: number, path: string): number {
    return eachMember(this.#text, start, ({ nameStart, nameEnd, valueStart }) => {
      if (!isObjectAt(this.#text, valueStart)) return this.#keepValue(valueStart);
      const own = path + nameAt(this.#text, nameStart, nameEnd);
      const opened = OPENED.has(own) || own.startsWith(OPENED_BELOW);
      return opened ? this.#keepMembers(valueStart, `${own}.`) : this.#keepValue(valueStart);
    });
  }

  #keepValue(start: number): number {
    const end = endOfValue(this.#text, start);
    const code = this.#text.charCodeAt(start);
    const isNumber = code === MINUS || (code >= DIGIT_0 && code <= DIGIT_9);
    if (opens(code) || (isNumber && isMisspelled(this.#text.slice(start, end)))) this.#keep(start, end);
    return end;
  }

  #keep(start: number, end: number): void {
    const index = this.#spelled.push(this.#text.slice(start, end)) - 1;
    this.#json += `${this.#text.slice(this.#copied, start)}"${this.#mark}${index}"`;
    this.#copied = end;
  }
}

/** Whether JSON.stringify would write another one. */
function isMisspelled(number: string): boolean {
  return `${Number(number)}` !== number;
}
