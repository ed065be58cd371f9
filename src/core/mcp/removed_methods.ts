/** What 2026-07-28 has no more (its changelog, and SEP-2663 for tasks): nobody answers it there, whatever a server knows. */
import { Method } from "./methods.ts";

const REMOVED: ReadonlySet<string> = new Set([
  ...[Method.initialize, Method.ping, Method.setLevel, Method.subscribe, Method.unsubscribe],
  ...["tasks/list", "tasks/result"],
]);

/** Whether requests of this method end with the legacy era. */
export function isRemoved(method: string): boolean {
  return REMOVED.has(method);
}
