/** For what is not held to a bound, since the test is about something else. */
import { Backlog } from "../../src/core/backlog.ts";

export function unbounded(): Backlog {
  return new Backlog(Infinity);
}
