/** Callers for handlers that a test calls without a socket. */
import { Caller } from "../../src/core/caller.ts";

/** Somebody of whom nothing is known. */
export function nobody(): Caller {
  return new Caller({ address: undefined, drop: () => {} });
}

/** Who proved to be the principal of this name. */
export function somebody(name: string): Caller {
  const caller = nobody();
  caller.identify({ name });
  return caller;
}
