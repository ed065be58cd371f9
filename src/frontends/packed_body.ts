/** Bodies that come packed (RFC 9110, section 8.4). */
import { GatewayError, RequestError } from "../core/errors.ts";

/** Those that a runtime can unpack without knowing more of them. */
const FORMATS: Readonly<Record<string, CompressionFormat>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
};
/** What is unpacked at a time: at most a thousand times as much comes out of it, before anybody can count that. */
const SLICE_BYTES = 1024;

type Bytes = Uint8Array<ArrayBuffer>;

/** Undefined for a body that comes as it is. Throws RequestError 415 for what cannot be unpacked. */
export function packingOf(encoding: string): CompressionFormat | undefined {
  const name = encoding.trim().toLowerCase();
  if (name === "" || name === "identity") return undefined;
  if (Object.hasOwn(FORMATS, name)) return FORMATS[name];
  throw new RequestError("Unsupported Media Type: Content-Encoding must be gzip or deflate, or left out", {
    status: 415,
    headers: { "Accept-Encoding": "gzip, deflate" },
  });
}

/** What is in it, piece by piece, as it is read. Throws RequestError where it broke off, and the runtime's own error where it is packed otherwise. */
export function unpacked(packed: ReadableStream<Bytes>, format: CompressionFormat): ReadableStream<Bytes> {
  return slicesOf(packed).pipeThrough(new DecompressionStream(format));
}

function slicesOf(packed: ReadableStream<Bytes>): ReadableStream<Bytes> {
  const reader = packed.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read().catch((cause) => {
        throw cause instanceof GatewayError ? cause : brokenOff(cause);
      });
      if (done) return controller.close();
      for (let from = 0; from < value.length; from += SLICE_BYTES) {
        controller.enqueue(value.subarray(from, from + SLICE_BYTES));
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** The error for a body that could not be read to its end; `cause` is what the runtime threw. */
export function unreadableBody(packing: CompressionFormat | undefined, cause: unknown): RequestError {
  if (packing === undefined) return brokenOff(cause);
  return new RequestError(`Bad Request: the body is no ${packing}, or not all of it`, { cause });
}

/** The client is gone, which is no fault of ours; nobody reads this answer. */
function brokenOff(cause: unknown): RequestError {
  return new RequestError("Bad Request: the body broke off", { cause });
}
