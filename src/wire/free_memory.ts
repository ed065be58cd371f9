/** Memory that is given back at once: the collector hears of it late, and much of it is new each time until then. */

/** Of less it is not worth the call. */
const LARGE_BYTES = 64 * 1024;

/** Whoever calls it is the only one who has the memory: it is gone under every view of it. */
export function freeMemory({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (buffer.byteLength >= LARGE_BYTES) buffer.transfer(0);
}
