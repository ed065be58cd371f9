/** The sum that `cksum` of POSIX prints: the one tool of its kind that is everywhere. */

const POLYNOMIAL = 0x04c11db7;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit++) sum = sum << 1 ^ (sum < 0 ? POLYNOMIAL : 0);
  return sum;
});

/** Sum and length, as `cksum` prints them. */
export function cksum(content: Uint8Array): string {
  let sum = 0;
  for (const byte of content) sum = next(sum, byte);
  for (let length = content.length; length > 0; length = Math.floor(length / 256)) {
    sum = next(sum, length & 0xff);
  }
  return `${~sum >>> 0} ${content.length}`;
}

function next(sum: number, byte: number): number {
  return sum << 8 ^ (TABLE[sum >>> 24 ^ byte] ?? 0);
}
