/** Throughput of a gateway, by the load generator that fits its wire. */
import type { Bench } from "./bench.ts";
import { openCallers } from "./callers.ts";
import { type Shape, SMALL } from "./calls.ts";
import type { Gateway } from "./gateway.ts";
import { closedLoop, type LoadFigures, openLoop } from "./load.ts";
import { inSession, type SessionId } from "./session.ts";
import { wrkLoad } from "./wrk.ts";

interface LoadPlan {
  readonly callers: number;
  readonly shape: Shape;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Sessions to take turns in. */
interface SessionPlan extends LoadPlan {
  readonly sessions: readonly SessionId[];
}

const WARM_UP_LIMIT_MS = 20_000;

/** All callers share a session that is opened for them. */
export async function load(bench: Bench, gateway: Gateway, plan: LoadPlan): Promise<LoadFigures> {
  return await inSession(bench, gateway, (sessions) => sessionLoad(bench, gateway, { ...plan, sessions }));
}

export async function sessionLoad(bench: Bench, gateway: Gateway, plan: SessionPlan): Promise<LoadFigures> {
  const byWrk = bench.wrk && plan.shape.progress === 0 && usesHttp1(gateway);
  return await (byWrk ? wrkLoad : builtInLoad)(bench, gateway, plan);
}

/** Unlike wrk it knows which caller made which call, so that it finds an answer that went to another. */
async function builtInLoad(bench: Bench, gateway: Gateway, plan: SessionPlan): Promise<LoadFigures> {
  const callers = await openCallers(bench, gateway, { ...plan, count: plan.callers });
  return await closedLoop(callers, { ...plan, ids: bench.ids });
}

/** Calls that arrive at a fixed rate. */
export async function openLoad(
  bench: Bench,
  gateway: Gateway,
  plan: LoadPlan & { readonly rate: number },
): Promise<LoadFigures> {
  return await inSession(bench, gateway, async (sessions) => {
    const callers = await openCallers(bench, gateway, { ...plan, count: plan.callers, sessions });
    return await openLoop(callers, { ...plan, ids: bench.ids });
  });
}

/** Warms a gateway up, and finds out whether each caller gets its own answers. */
export async function warmUp(
  bench: Bench,
  gateway: Gateway,
  { callers, sessions }: Pick<SessionPlan, "callers" | "sessions">,
): Promise<void> {
  const seconds = Math.min(bench.options.seconds, 1);
  const signal = AbortSignal.timeout(WARM_UP_LIMIT_MS);
  const shape: Shape = gateway.mode === "modern" ? { ...SMALL, modern: true } : SMALL;
  await builtInLoad(bench, gateway, { callers, shape, sessions, seconds, signal });
}

function usesHttp1({ mode }: Gateway): boolean {
  return mode !== "sse" && mode !== "ws" && mode !== "tls";
}
