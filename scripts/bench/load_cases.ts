/** The rows that are load on a running gateway. */
import { type Shape, SMALL } from "./calls.ts";
import type { Mode } from "./peers.ts";

export interface LoadCase {
  /** Its group, a slash and what is special. */
  readonly name: string;
  readonly mode: Mode;
  readonly callers: number;
  readonly shape: Shape;
  /** Whether it belongs to `--quick`. */
  readonly matters: boolean;
  /** Calls arrive at half the rate that the gateway can take, instead of one after the other. */
  readonly open?: true;
}

const CALLERS = [1, 16, 64];
const KB = 1_000;
const MB = 1_000_000;

/** Names of the rows that others refer to. */
export const OPEN_LOOP = "stateful/open";
/** Beside the ways that cost more, in time. */
export const PLAIN = "plain/16";

/**
 * A stage's gateways run at the same time; there is no load on more than one. Stages are short, so that nobody waits
 * long for the next round: V8 drops the code of what has not run for half a minute, and who does more has more to lose.
 */
export const STAGES: readonly (readonly LoadCase[])[] = [
  [
    ...byCallers("stateful"),
    { ...small(OPEN_LOOP, "stateful", 64), matters: false, open: true },
  ],
  [
    answerOf("answer/10 kB", 10 * KB, 16),
    answerOf("answer/1 MB", MB, 4),
    requestOf("request/10 kB", 10 * KB, 16),
    requestOf("request/1 MB", MB, 4),
    { ...small("progress/100", "stateful", 1), shape: { ...SMALL, progress: 100 } },
  ],
  byCallers("ws"),
  byCallers("sse"),
  byCallers("stateless"),
  byCallers("modern").map((row) => ({ ...row, shape: { ...SMALL, modern: true } })),
  byCallers("tls"),
  [small(PLAIN, "stateful", 16), small("guarded/16", "guarded", 16), small("cors/16", "cors", 16)],
];

export const NODE_CHILD: readonly LoadCase[] = [
  { ...small("node child/16", "stateful", 16), matters: false },
  { ...small("stateless node child/16", "stateless", 16), matters: false },
];

function byCallers(mode: Mode): LoadCase[] {
  return CALLERS.map((callers) => ({
    ...small(`${mode}/${callers}`, mode, callers),
    matters: mode === "stateful" || callers === 16,
  }));
}

function small(name: string, mode: Mode, callers: number): LoadCase {
  return { name, mode, callers, shape: SMALL, matters: true };
}

function answerOf(name: string, size: number, callers: number): LoadCase {
  const shape = { ...SMALL, answer: size };
  return { ...small(name, "stateful", callers), shape, matters: size === MB };
}

/** The answer repeats what the request carries. */
function requestOf(name: string, size: number, callers: number): LoadCase {
  return { ...small(name, "stateful", callers), shape: { ...SMALL, request: size }, matters: false };
}
