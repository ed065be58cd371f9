/** Reads Server-Sent Events from a response body. */
import { createParser } from "eventsource-parser";
import { LimitError } from "../core/errors.ts";
import { cutOut } from "./cut_out.ts";
import { utf8Decoder } from "./utf8.ts";

export interface ReceivedEvent {
  /** "message" where the stream names none. */
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

export interface ReadEventsOptions {
  /** The longest event; a character counts as one byte at least. */
  readonly maxBytes: number;
  /** The server's wish for the pause before a reconnection, in milliseconds (`retry:`). */
  readonly onRetry?: (ms: number) => void;
}

/** What stands before the data of an event, which the parser counts too. */
const FIELD_NAME_CHARS = "data: ".length;
/** What the parser holds for each line of an event besides its characters: the pieces of a text that is put together. */
const LINE_BYTES = 64;
/** So many lines are no burden, however small the limit. */
const MIN_LINES = 1_000;
const DATA_LINE = /(?:^|[\r\n])data/g;

/** Ends when the stream ends; throws what the stream throws, and LimitError for an event that is too long. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  { maxBytes, onRetry }: ReadEventsOptions,
): AsyncGenerator<ReceivedEvent> {
  // The parser leaves out the one byte order mark that a stream may begin with.
  const decoder = utf8Decoder();
  let events: ReceivedEvent[] = [];
  let tooLong = false;
  /** Of the chunks that the next event may come from. */
  let longest = 0;
  /** Of the next event. */
  const lines = new DataLines();
  const parser = createParser({
    onEvent: ({ event = "message", id, data }) => {
      tooLong ||= data.length > maxBytes;
      if (tooLong) return;
      const ownId = id === undefined ? undefined : cutOut(id, longest);
      events.push({ event: cutOut(event, longest), id: ownId, data: cutOut(data, longest) });
    },
    onRetry: (ms) => onRetry?.(ms),
    onError: ({ type }) => tooLong ||= type === "max-buffer-size-exceeded",
    maxBufferSize: maxBytes + FIELD_NAME_CHARS,
  });
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    longest = Math.max(longest, text.length);
    parser.feed(text);
    if (events.length > 0) {
      longest = text.length;
      lines.reset();
    } else lines.add(text);
    tooLong ||= lines.count * LINE_BYTES > Math.max(maxBytes, MIN_LINES * LINE_BYTES);
    yield* events;
    events = [];
    if (tooLong) throw new LimitError(`The server sent an event longer than ${maxBytes} bytes`);
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
