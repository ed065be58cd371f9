/** What `/health` answers: how the server fares, or each of several, and what it works on. */
import { escaped } from "./base/outside.ts";
import { safeText, withoutFolders } from "./base/telling.ts";
import type { RequestId } from "./core/message/jsonrpc.ts";
import type { Handler } from "./frontends/frontend.ts";
import { methodNotAllowed } from "./frontends/http_checks.ts";
import type { Health, HealthReport, HealthStatus } from "./observe/health.ts";
import { isOfThisMachine } from "./policies/origin.ts";

/** An open call as it may be shown to who runs the gateway. */
export interface OpenCallReport {
  readonly seconds: number;
  /** Its beginning. */
  readonly session: string;
  readonly method: string;
  readonly tool?: string;
  readonly id: RequestId;
  /** Of the child that has it. */
  readonly pid?: number;
}

/** A server as a report on health sees it. */
interface Reporting {
  readonly health: Health;
  /** Oldest first. */
  openCalls(): readonly OpenCallReport[];
}

interface Told {
  readonly status: HealthStatus;
  /** Whether requests are to be sent here. */
  readonly serving: boolean;
  readonly more: object;
}

/** Of open calls in a report; the rest is counted. */
const MAX_REPORTED_CALLS = 100;
/** Of a line of a child. */
const REPORTED_CHARS = 500;

/** What a report says of the gateway itself. */
interface Gateway {
  readonly version: string;
  /** Of the certificate that is served, for callers of this machine. */
  readonly tls: () => object | undefined;
}

/** Of one server. */
export function healthOf(server: Reporting, gateway: Gateway): Handler {
  return reporting(gateway, (isOurs) => {
    const { status, ...more } = told(server.health.report(), isOurs);
    return { status, serving: status === "ok", more: { ...more, ...isOurs && reported(server.openCalls()) } };
  });
}

/** Of several, by name: one that has failed does not take the others out of service. */
export function healthOfAll(servers: () => ReadonlyMap<string, Reporting>, gateway: Gateway): Handler {
  return reporting(gateway, (isOurs) => {
    const all = [...servers()];
    const reports = all.map(([name, { health }]) => [name, told(health.report(), isOurs)] as const);
    const statuses = reports.map(([, { status }]) => status);
    const calls = () => oldestFirst(all.flatMap(([, server]) => server.openCalls()));
    const more = { servers: Object.fromEntries(reports), ...isOurs && reported(calls()) };
    return { status: statusOf(statuses), serving: statuses.includes("ok"), more };
  });
}

export interface OverallHealth {
  readonly status: HealthStatus;
  /** Whether requests are to be sent here: to one of several at least. */
  readonly serving: boolean;
  readonly reason?: string;
}

/** Of all servers together, for who runs the gateway. */
export function overallHealth(servers: ReadonlyMap<string, Pick<Reporting, "health">>): OverallHealth {
  const reports = [...servers].map(([name, { health }]) => ({ name, ...health.report() }));
  const statuses = reports.map(({ status }) => status);
  const reasons = reports.flatMap(({ name, reason }) =>
    reason === undefined ? [] : [reports.length > 1 ? `${name}: ${reason}` : reason]
  );
  const serving = statuses.includes("ok") || statuses.length === 0;
  return { status: statusOf(statuses), serving, ...reasons.length > 0 && { reason: reasons.join("; ") } };
}

export function oldestFirst(calls: readonly OpenCallReport[]): OpenCallReport[] {
  return calls.toSorted((one, other) => other.seconds - one.seconds);
}

/** Answers GET and HEAD alone. */
export function getOnly(handler: Handler): Handler {
  return (request, caller) => {
    if (request.method === "GET" || request.method === "HEAD") return handler(request, caller);
    throw methodNotAllowed(["GET", "HEAD"]);
  };
}

function reporting({ version, tls }: Gateway, report: (isOurs: boolean) => Told): Handler {
  return getOnly((request, caller) => {
    const isOurs = isOfThisMachine(request, caller);
    const { status, serving, more } = report(isOurs);
    const timestamp = new Date().toISOString();
    const own = isOurs ? { tls: tls() } : {};
    return new Response(
      escaped(JSON.stringify({ status, service: "keystone", version, timestamp, ...own, ...more })),
      {
        status: serving ? 200 : 503,
        headers: { "Content-Type": "application/json" },
      },
    );
  });
}

/** A child prints what it likes, and whoever may ask for our health may not be meant to read it. */
function told({ status, reason, stderr }: HealthReport, isOurs: boolean) {
  return { status, reason: reason && shown(reason), ...isOurs && { stderr: stderr?.map(shown) } };
}

/** Degraded as long as one of them serves. */
function statusOf([first = "ok", ...others]: readonly HealthStatus[]): HealthStatus {
  if (others.every((status) => status === first)) return first;
  return "degraded";
}

function reported(calls: readonly OpenCallReport[]) {
  return calls.length > 0 && { openCalls: calls.length, calls: calls.slice(0, MAX_REPORTED_CALLS) };
}

function shown(line: string): string {
  return withoutFolders(safeText(line, REPORTED_CHARS));
}
