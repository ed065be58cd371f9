/** The end of a connection on which the client may still be sending, or not have read its answer yet. */
import { within } from "../base/waiting.ts";
import type { ByteStream } from "../wire/byte_stream.ts";

/** How long what was said last may still be on its way. */
export const LINGER_MS = 500;
/** What a client sends of a body that nobody reads any more, before its answer may be lost. */
const LINGER_BYTES = 1024 * 1024;
const READ_BYTES = 16 * 1024;

/**
 * Says that nothing more is written, and reads on for a while what `stream`, which is the same connection, still brings:
 * to close one in which something is unread would take the answer back.
 */
export async function linger(conn: Pick<Deno.Conn, "closeWrite">, stream: ByteStream): Promise<void> {
  await conn.closeWrite();
  await within(LINGER_MS, discard(stream, LINGER_BYTES));
}

async function discard(stream: ByteStream, maxBytes: number): Promise<void> {
  const bytes = new Uint8Array(READ_BYTES);
  for (let left = maxBytes; left > 0;) {
    const count = await stream.read(bytes);
    if (count === null) return;
    left -= count;
  }
}
