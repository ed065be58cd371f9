import type { ByteStream } from "./byte_stream.ts";

/** What a handshake came to that turns a connection of HTTP into one of another protocol. */
export interface Upgrade {
  /** Fields of the 101 answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Takes the connection over, once that answer is written. Settles when the connection has ended. */
  run(stream: ByteStream): Promise<void>;
  /** The connection was lost before. */
  withdraw(): void;
}
