/** Reads Server-Sent Events from a response body. */
import { createParser } from "eventsource-parser";
import { TooLargeError } from "../core/errors.ts";
import { type Outline, OutlineReader } from "../core/message/outline.ts";
import { inTime } from "../base/waiting.ts";
import { cutOut } from "../base/cut_out.ts";
import { optionName } from "../base/option_name.ts";
import { MAX_OUTLINES, SKIPPED_PAUSE_MS, SKIPPED_TIMES } from "./skipping.ts";
import { utf8Decoder } from "./utf8.ts";

export interface ReceivedEvent {
  /** "message" where the stream names none. */
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

interface ReadEventsOptions {
  /** The longest event; a character counts as one byte at least. */
  readonly maxBytes: number;
  /** The server's wish for the pause before a reconnection, in milliseconds (`retry:`). */
  readonly onRetry?: ((ms: number) => void) | undefined;
  /** Hears of an event that was too long, at its end. */
  readonly onSkipped?: OnSkipped | undefined;
}

/** What was wrong, and whose messages they were. */
export type OnSkipped = (error: TooLargeError, outlines: readonly Outline[]) => void;

/** What stands before the data of an event, which the parser counts too. */
const FIELD_NAME_CHARS = "data: ".length;
/** What the parser holds for each line of an event besides its characters: the pieces of a text that is put together. */
const LINE_BYTES = 64;
/** So many lines are no burden, however small the limit. */
const MIN_LINES = 1_000;
const DATA_LINE = /(?:^|[\r\n])data/g;

/** Where an event ends: two line ends. */
const BLANK_LINE = /\n\n|\n\r\n?|\r\r\n?/;
/** The longest of them that may be cut by the end of a chunk. */
const CUT_CHARS = 2;
/** From here on what came before the event that is being read is looked for, and let go of. */
const MIN_BEGUN_CHARS = 64 * 1024;

/**
 * Ends when the stream ends; throws what the stream throws. An event that is too long is a TooLargeError; with `onSkipped` it
 * is told there, and left out, unless it has no end.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  { maxBytes, onRetry, onSkipped }: ReadEventsOptions,
): AsyncGenerator<ReceivedEvent> {
  // The parser leaves out the one byte order mark that a stream may begin with.
  const decoder = utf8Decoder();
  let events: ReceivedEvent[] = [];
  let tooLong = false;
  /** Of the chunks that the next event may come from. */
  let longest = 0;
  /** Of the next event. */
  const lines = new DataLines();
  const begun = new Begun();
  let skipped: SkippedEvent | undefined;
  const error = new TooLargeError(
    `The server sent an event longer than ${maxBytes} bytes (${optionName("maxMessageSize")})`,
  );
  const parser = createParser({
    onEvent: ({ event = "message", id, data }) => {
      if (tooLong) return;
      if (data.length > maxBytes) {
        if (onSkipped) new SkippedEvent(data).tell(error, onSkipped);
        else tooLong = true;
        return;
      }
      const ownId = id === undefined ? undefined : cutOut(id, longest);
      events.push({ event: cutOut(event, longest), id: ownId, data: cutOut(data, longest) });
    },
    onRetry: (ms) => onRetry?.(ms),
    onError: ({ type }) => tooLong ||= type === "max-buffer-size-exceeded",
    maxBufferSize: maxBytes + FIELD_NAME_CHARS,
  });
  const reader = body.getReader();
  try {
    while (true) {
      const reading = reader.read();
      const { value: chunk, done } = await (skipped ? inTime(SKIPPED_PAUSE_MS, reading, error) : reading);
      if (done) return;
      let text = decoder.decode(chunk, { stream: true });
      if (skipped && onSkipped) {
        const rest = skipped.push(text);
        if (skipped.chars > SKIPPED_TIMES * maxBytes) throw error;
        if (rest === undefined) continue;
        skipped.tell(error, onSkipped);
        skipped = undefined;
        text = rest;
      }
      longest = Math.max(longest, text.length);
      begun.add(text);
      parser.feed(text);
      if (events.length > 0) {
        longest = text.length;
        lines.reset();
        begun.reset(text);
      } else lines.add(text);
      tooLong ||= lines.count * LINE_BYTES > Math.max(maxBytes, MIN_LINES * LINE_BYTES);
      yield* events;
      events = [];
      if (!tooLong) continue;
      if (!onSkipped) throw error;
      tooLong = false;
      skipped = new SkippedEvent(begun.take());
      longest = 0;
      lines.reset();
      parser.reset();
    }
  } finally {
    // A stream that broke has told so already.
    await reader.cancel().catch(() => {});
  }
}

/** The text of the event that is being read, as it came: the parser keeps as much. */
class Begun {
  #pieces: string[] = [];
  #chars = 0;
  #cutAt = MIN_BEGUN_CHARS;

  add(text: string): void {
    this.#pieces.push(text);
    this.#chars += text.length;
    if (this.#chars < this.#cutAt) return;
    // Comments are no events, and may be all that comes.
    this.reset(this.take());
    this.#cutAt = Math.max(MIN_BEGUN_CHARS, 2 * this.#chars);
  }

  /** The last event that came is over. */
  reset(text: string): void {
    this.#pieces = [text];
    this.#chars = text.length;
    this.#cutAt = MIN_BEGUN_CHARS;
  }

  take(): string {
    const text = this.#pieces.join("");
    this.#pieces = [];
    this.#chars = 0;
    return text.slice(endOfEvents(text));
  }
}

function endOfEvents(text: string): number {
  const ends = ["\n\n", "\n\r", "\r\r"].map((end) => text.lastIndexOf(end));
  const last = Math.max(...ends);
  return last === -1 ? 0 : last + 2;
}

/** What is known of an event that is too long to be kept. Names of fields between its lines do not make a difference. */
class SkippedEvent {
  chars: number;
  readonly #reader = new OutlineReader(MAX_OUTLINES);
  #end: string;

  constructor(begun: string) {
    this.chars = begun.length;
    this.#reader.push(begun);
    this.#end = begun.slice(-CUT_CHARS);
  }

  /** What comes after the event, once that has ended. */
  push(text: string): string | undefined {
    this.chars += text.length;
    const near = this.#end + text;
    const blank = BLANK_LINE.exec(near);
    if (blank) {
      const end = blank.index + blank[0].length - this.#end.length;
      this.#reader.push(text.slice(0, end));
      return text.slice(end);
    }
    this.#reader.push(text);
    this.#end = near.slice(-CUT_CHARS);
    return undefined;
  }

  tell(error: TooLargeError, onSkipped: OnSkipped): void {
    onSkipped(error, this.#reader.outlines);
  }
}

/** Counts the lines of data of an event, however they are cut. */
class DataLines {
  count = 0;
  /** How the last piece ended: the beginning of a line as long as that may be the name of a field. */
  #begun = "";

  add(piece: string): void {
    const text = this.#begun + piece;
    DATA_LINE.lastIndex = 0;
    while (DATA_LINE.test(text)) this.count++;
    const line = text.slice(Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1);
    this.#begun = line.length < "data".length ? line : "-";
  }

  reset(): void {
    this.count = 0;
    this.#begun = "";
  }
}
