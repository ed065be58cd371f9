/** The connection that a request came on, as those see it who answer the request. */
export interface Caller {
  /** IP address of the far end; undefined where it is not known. */
  readonly address: string | undefined;
  /** Ends the connection at once, with all that waits in it: for a far end that holds up what others wait for. */
  drop(reason: string): void;
}
