/**
 * Has garbage collected when the gateway has come to rest: V8 collects when it wants room, so what the last calls left
 * would stay for as long as no others come.
 */
import type { Sink } from "../core/events.ts";
import { collectGarbage } from "../wire/collect_garbage.ts";

/** Without anything that is worth an event. */
const REST_MS = 500;
/** Worth a collection, which takes some 10 ms: what a few hundred calls leave, or more where more is in use. */
const MUCH_BYTES = 8 * 1024 * 1024;
const MUCH_SHARE = 1 / 4;

export interface CollectAtRestOptions {
  readonly collect?: () => void;
  /** Bytes in use, with all that is garbage and not collected. */
  readonly used?: () => number;
}

/** Hears what happens, to know when nothing does. */
export function collectAtRest(options: CollectAtRestOptions = {}): Sink {
  const { collect = collectGarbage, used = () => Deno.memoryUsage().heapUsed } = options;
  let busy = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let leftBytes = 0;
  const look = () => {
    timer = undefined;
    if (busy) return wait();
    // V8 has collected meanwhile.
    leftBytes = Math.min(leftBytes, used());
    if (used() - leftBytes < Math.max(MUCH_BYTES, leftBytes * MUCH_SHARE)) return;
    collect();
    leftBytes = used();
  };
  const wait = () => {
    busy = false;
    timer = setTimeout(look, REST_MS);
    // It is no reason for the process to live on.
    timer.unref();
  };
  return () => {
    busy = true;
    if (timer === undefined) wait();
  };
}
