/**
 * Whether an audit log is what was written: each line is intact and follows the one before, over all its files. What a
 * chain without a secret cannot tell, docs/audit.md says.
 */
import { BEGINNING, type Link, type ReadLine, readLine, sha256 } from "./chain.ts";
import { CLOSED } from "./audit_file.ts";

/** Where something was found, with lines counted from 1. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** One file, by its lines. */
export interface AuditFile {
  readonly path: string;
  /** The last one is empty where the file ends with a newline. */
  readonly lines: AsyncIterable<string>;
}

export interface Verdict {
  /** What must not be. */
  readonly faults: readonly Finding[];
  /** How many faults there are, also those that are not listed. */
  readonly faultCount: number;
  /** What is to be known. */
  readonly notes: readonly Finding[];
  readonly lines: number;
  /** Undefined where there is no line. */
  readonly first: Link | undefined;
  readonly last: Link | undefined;
}

interface VerifyOptions {
  /** A line that somebody has noted elsewhere: it has to be there. */
  readonly expected?: Link | undefined;
  /** A gateway writes to it, so that its last line may not be finished. */
  readonly isHeld: boolean;
}

const MAX_LISTED = 20;

/** The oldest file first. */
export async function verify(files: readonly AuditFile[], options: VerifyOptions): Promise<Verdict> {
  const check = new Check(options);
  for (const { path, lines } of files) {
    let number = 0;
    let held: string | undefined;
    for await (const line of lines) {
      if (held !== undefined) check.line(held, { file: path, line: ++number });
      held = line;
    }
    if (held) check.unfinished(held, { file: path, line: number + 1 });
  }
  return check.verdict();
}

type Place = Pick<Finding, "file" | "line">;

class Check {
  readonly #options: VerifyOptions;
  readonly #faults: Finding[] = [];
  readonly #notes: Finding[] = [];
  #faultCount = 0;
  #lines = 0;
  #first: Link | undefined;
  #last: ReadLine | undefined;
  #lastPlace: Place = { file: "", line: 0 };
  /** No line, of which the next one may tell that it was not finished. */
  #odd: { readonly text: string; readonly place: Place } | undefined;
  #foundExpected = false;
  /** Where a line has its number. */
  #expectedPlace: Place | undefined;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  line(text: string, place: Place): void {
    const read = readLine(text);
    if (!read) {
      this.#judgeOdd(undefined);
      this.#odd = { text, place };
      return;
    }
    this.#judgeOdd(read);
    this.#lines++;
    this.#first ??= read;
    if (!read.intact) this.#fault(place, `line ${read.seq} of the chain was changed`);
    else if (!this.#last) this.#begin(read, place);
    else this.#follow(this.#last, read, place);
    this.#tell(read, place);
    const { expected } = this.#options;
    if (read.seq === expected?.seq) this.#expectedPlace ??= place;
    // Where what it says was changed, that is told already.
    this.#foundExpected ||= read.seq === expected?.seq && read.hash === expected.hash;
    this.#last = read;
    this.#lastPlace = place;
  }

  /** What stands behind the last newline. */
  unfinished(text: string, place: Place): void {
    if (this.#options.isHeld) return void this.#note(place, "the line is being written");
    this.#fault(
      place,
      `the file ends within a line (${text.length} characters): its gateway was killed, or the rest was cut off`,
    );
  }

  verdict(): Verdict {
    this.#judgeOdd(undefined);
    const { expected, isHeld } = this.#options;
    const last = this.#last;
    if (!last) this.#fault({ file: "", line: 0 }, "there is no line");
    if (expected && last && !this.#foundExpected) {
      this.#fault(
        this.#expectedPlace ?? this.#lastPlace,
        this.#expectedPlace
          ? `line ${expected.seq} of the chain has another hash than is expected`
          : `line ${expected.seq} of the chain, which is expected, is not there`,
      );
    }
    if (last && last.event !== CLOSED) {
      const why = isHeld
        ? "its gateway is running"
        : "its gateway was killed, or lines behind it were cut off";
      this.#note(this.#lastPlace, `it does not end as a gateway ends that stops in order: ${why}`);
    }
    return {
      ...{ faults: this.#faults, faultCount: this.#faultCount, notes: this.#notes, lines: this.#lines },
      ...{ first: this.#first, last },
    };
  }

  #begin({ seq, prev }: ReadLine, place: Place): void {
    if (seq !== BEGINNING.seq + 1) {
      this.#note(place, `it begins with line ${seq} of the chain: the files with those before are not here`);
    } else if (prev !== BEGINNING.hash) this.#fault(place, "the first line follows another one");
  }

  #follow(last: ReadLine, { seq, prev }: ReadLine, place: Place): void {
    if (seq === last.seq + 1 && prev === last.hash) return;
    if (seq > last.seq + 1) return this.#fault(place, missingText(last.seq + 1, seq - 1));
    if (seq <= last.seq) {
      return this.#fault(
        place,
        `line ${seq} of the chain stands behind line ${last.seq}: one of them was put there`,
      );
    }
    this.#fault(place, `line ${seq} of the chain does not follow the one before it: one of them was changed`);
  }

  #tell({ seq, event, fields }: ReadLine, place: Place): void {
    if (event !== "audit.opened" || fields.before !== "without an end") return;
    this.#note(place, `the gateway before line ${seq} of the chain did not stop in order`);
  }

  /** What the next line says was left of one by a gateway that was killed is none of the faults. */
  #judgeOdd(next: ReadLine | undefined): void {
    const odd = this.#odd;
    this.#odd = undefined;
    if (!odd) return;
    const torn: unknown = next?.event === "audit.opened" ? next.fields.torn : undefined;
    const isTorn = typeof torn === "object" && torn !== null && "sha256" in torn &&
      torn.sha256 === sha256(odd.text);
    if (isTorn) this.#note(odd.place, "a line was not finished when its gateway was killed");
    else this.#fault(odd.place, "it is no line of an audit log");
  }

  #fault(place: Place, text: string): void {
    this.#faultCount++;
    if (this.#faults.length < MAX_LISTED) this.#faults.push({ ...place, text });
  }

  #note(place: Place, text: string): void {
    if (this.#notes.length < MAX_LISTED) this.#notes.push({ ...place, text });
  }
}

function missingText(from: number, to: number): string {
  return from === to
    ? `line ${from} of the chain is missing before it`
    : `lines ${from} to ${to} of the chain are missing before it`;
}
