/** The connection that a request came on, as those see it who answer the request. */
export interface Caller {
  /** IP address of the far end; undefined where it is not known. */
  readonly address: string | undefined;
  /** Ends the connection at once, with all that waits in it: for a far end that holds up what others wait for. */
  drop(reason: string): void;
  /**
   * Whether it may be given an answer of so many bytes as a whole, which is faster than in pieces, but then nobody can
   * tell how much of it is still to be sent. It counts until the next request or the end of the connection.
   */
  takesWhole?(bytes: number): boolean;
}

/** Whether an IP address is this machine's own (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3). */
export function isLoopbackAddress(address: string): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(address);
}
