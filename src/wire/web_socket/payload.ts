/** What a whole payload says: a text, or the code of a goodbye. */
import { CloseCode, FrameError, protocolError } from "./frames.ts";

/** Of a close frame; `CloseCode.none` where it has none. Throws FrameError for one that nobody may send. */
export function closeCodeOf(payload: Uint8Array): number {
  if (payload.length === 0) return CloseCode.none;
  if (payload.length === 1) throw protocolError("The close code is cut off");
  const code = payload[0]! << 8 | payload[1]!;
  if (!maySay(code)) throw protocolError("The close code is not valid");
  decodeText(payload.subarray(2));
  return code;
}

/** RFC 6455, section 7.4, and the IANA registry of close codes. */
function maySay(code: number): boolean {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
}

const LOOSE = new TextDecoder("utf-8", { ignoreBOM: true });
const STRICT = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/**
 * Throws FrameError for what is not UTF-8. The strict decoder takes several times as long, so it is asked only where there
 * is a sign of something invalid.
 */
export function decodeText(bytes: Uint8Array): string {
  const text = LOOSE.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  try {
    return STRICT.decode(bytes);
  } catch {
    throw new FrameError(CloseCode.invalidData, "A text is not valid UTF-8");
  }
}
