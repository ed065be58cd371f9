/** A connection as bytes both ways, which is what a `Deno.Conn` is. */
export interface ByteStream {
  /** Settles with how many bytes came, null at the end. Rejects when the connection is broken or closed. */
  read(into: Uint8Array): Promise<number | null>;
  /** Settles with how many bytes were taken. Rejects when nobody reads any more. */
  write(bytes: Uint8Array): Promise<number>;
  /** At once, both ways; what was not sent is lost. */
  close(): void;
}

export async function writeAll(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
}

/** A stream of which some was read too far. */
export interface AheadStream extends ByteStream {
  /** Nothing is left of that: what comes next is not read yet. */
  readonly caughtUp: boolean;
}

export function hasCaughtUp(stream: ByteStream): boolean {
  return !("caughtUp" in stream) || stream.caughtUp === true;
}

/** The same stream with bytes that were read too far: they come first. */
export function withBefore(before: Uint8Array, stream: ByteStream): ByteStream {
  if (before.length === 0) return stream;
  let left = before;
  const ahead: AheadStream = {
    get caughtUp() {
      return left.length === 0 && hasCaughtUp(stream);
    },
    read(into) {
      if (left.length === 0) return stream.read(into);
      const taken = left.subarray(0, into.length);
      into.set(taken);
      left = left.subarray(taken.length);
      return Promise.resolve(taken.length);
    },
    write: (bytes) => stream.write(bytes),
    close: () => stream.close(),
  };
  return ahead;
}

/** The same stream, whose end may come twice. */
export function unlessClosed(stream: ByteStream): ByteStream {
  return {
    read: (into) => stream.read(into),
    write: (bytes) => stream.write(bytes),
    close: () => closeStream(stream),
  };
}

/** Closes a connection that may be closed already, or be somebody else's by now. */
export function closeStream(stream: Pick<ByteStream, "close">): void {
  try {
    stream.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
