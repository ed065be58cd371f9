/** UTF-8 that comes in pieces. */

const BYTE_ORDER_MARK = 0xfeff;

/** Keeps every U+FEFF. A decoder that is not told to eats one at the beginning of a piece, where it is a character. */
export function utf8Decoder(): TextDecoder {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}

/** A stream of UTF-8 as text. One byte order mark at the very beginning is none of it; any other is a character. */
export class Utf8Text {
  readonly #decoder = utf8Decoder();
  #begun = false;

  /** What can be read with this piece; a character that is cut by its end waits for the next one. */
  push(piece: Uint8Array): string {
    return this.#withoutMark(this.#decoder.decode(piece, { stream: true }));
  }

  /** What is left when the stream ends: the replacement of a character that is not complete. */
  end(): string {
    return this.#withoutMark(this.#decoder.decode());
  }

  #withoutMark(text: string): string {
    if (this.#begun || text === "") return text;
    this.#begun = true;
    return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  }
}
