/** What both ends of a WebSocket have to know of its frames (RFC 6455, section 5), without extensions. */

/** RFC 6455, section 7.4.1, and 1013 of the IANA registry. */
export const CloseCode = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Never sent: a close frame that has none. */
  none: 1005,
  invalidData: 1007,
  tooBig: 1009,
  internalError: 1011,
  tryAgain: 1013,
} as const;

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A control frame's payload has no more. */
export const MAX_CONTROL_BYTES = 125;
/** Two bytes, eight of length, four of the mask. */
export const MAX_HEAD_BYTES = 14;

/** Which end we are: what a client sends is masked, what a server sends is not. */
export type Side = "client" | "server";

/** The far side broke a rule or a limit: the connection is to be closed with this code, and the message as its reason. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The far side broke a rule. */
export function protocolError(why: string): FrameError {
  return new FrameError(CloseCode.protocolError, why);
}
