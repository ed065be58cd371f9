/** Bytes both ways between a client and the runtime's own server, for what we do not read ourselves. */
import { type ByteStream, writeAll } from "../wire/byte_stream.ts";

const READ_BYTES = 16 * 1024;

/** Settles when either end has said its last; both are closed then. */
export async function tunnel(client: ByteStream, inside: ByteStream): Promise<void> {
  try {
    await Promise.race([copy(client, inside), copy(inside, client)]);
  } finally {
    client.close();
    inside.close();
  }
}

/** Settles at the end of the one, or when the other takes no more. */
async function copy(from: ByteStream, to: ByteStream): Promise<void> {
  const bytes = new Uint8Array(READ_BYTES);
  try {
    for (let count = await from.read(bytes); count !== null; count = await from.read(bytes)) {
      await writeAll(to, bytes.subarray(0, count));
    }
  } catch {
    // Whichever end broke: both are closed for that.
  }
}
