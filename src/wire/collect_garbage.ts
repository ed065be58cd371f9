/**
 * A collection at once, for moments in which much is known to be garbage: it holds everybody up for some 20 ms, which is
 * too long for moments that come often.
 */
import process from "node:process";

let collect: (() => void) | undefined;

/** Does nothing where the runtime does not offer it. */
export function collectGarbage(): void {
  collect ??= collector();
  collect();
}

/**
 * V8 gives its collector to each realm that begins while this flag is set; without a flag at start there is no other
 * way. Only when it is wanted: such a realm costs as much as some requests.
 */
function collector(): () => void {
  try {
    const [v8, vm] = [process.getBuiltinModule("node:v8"), process.getBuiltinModule("node:vm")];
    v8?.setFlagsFromString("--expose-gc");
    const gc: unknown = vm?.runInNewContext("globalThis.gc");
    v8?.setFlagsFromString("--no-expose-gc");
    return typeof gc === "function" ? () => void gc() : ignore;
  } catch {
    // Not offered, or not allowed: V8 collects when it wants to.
    return ignore;
  }
}

function ignore(): void {}
