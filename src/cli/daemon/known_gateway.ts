/** A gateway by its name: whether it runs, and how it is asked and stopped. */
import { kill } from "node:process";
import * as z from "zod";
import { GatewayError, messageOf } from "../../core/errors.ts";
import { type GatewayRecord, type Holder, isSameProcess, type StateFolder } from "../../state/mod.ts";
import { askLocally } from "./local_http.ts";
import { DEFAULT_NAME } from "./own_flags.ts";

const ASK_MS = 5_000;
/** No event tells of the end of a process that is not our child. */
export const POLL_MS = 50;
/** The system takes a killed process away in that time, unless it waits for a disk. */
const KILLED_MS = 5_000;

/** As much of a status as we show; a gateway of another version may tell more. */
const status = z.object({
  version: z.string(),
  uptimeSeconds: z.number(),
  urls: z.array(z.string()),
  health: z.looseObject({ status: z.string(), serving: z.boolean(), reason: z.string().optional() }),
  sessions: z.number(),
  openRequests: z.number(),
  children: z.number(),
  restarts: z.number(),
  servers: z.record(
    z.string(),
    z.looseObject({ status: z.string(), reason: z.string().optional(), sessions: z.number() }),
  ).default({}),
  certificate: z.looseObject({ validUntil: z.string(), daysLeft: z.number() }).optional(),
  lastError: z.object({ at: z.string(), event: z.string(), text: z.string() }).optional(),
});
export type ToldStatus = z.output<typeof status>;

/** In one line. */
export function healthText(
  { status, reason }: { readonly status: string; readonly reason?: string | undefined },
): string {
  return reason === undefined ? status : `${status}: ${reason}`;
}

/** The record of one that runs. Throws GatewayError for one that is broken. */
export async function findRunning(folder: StateFolder, name: string): Promise<GatewayRecord | undefined> {
  const record = await recordOf(folder, name);
  return record && runs(record) ? record : undefined;
}

/** Of one that runs, or was killed. Throws GatewayError for one that is broken, with who it is about. */
export async function recordOf(folder: StateFolder, name: string): Promise<GatewayRecord | undefined> {
  try {
    return await folder.read(name);
  } catch (cause) {
    const holder = cause instanceof GatewayError ? await folder.holder(name) : undefined;
    if (holder === undefined) throw cause;
    throw new GatewayError(`${messageOf(cause)}; it runs: ${holderText(holder)}`, { cause });
  }
}

export function runs({ pid, start }: GatewayRecord): boolean {
  return isSameProcess(pid, start);
}

/** Undefined where it does not answer, or not as one of ours. */
export async function askStatus(
  { admin }: GatewayRecord,
  timeoutMs = ASK_MS,
): Promise<ToldStatus | undefined> {
  try {
    const { token } = admin;
    const answer = await askLocally(`${admin.url}/status`, { method: "GET", token, timeoutMs });
    return status.safeParse(JSON.parse(answer.text)).data;
  } catch {
    // It hangs, or has just ended.
    return undefined;
  }
}

/** Asks it to stop, and kills it after the grace. Throws GatewayError where it does not end. */
export async function stopRunning(
  folder: StateFolder,
  record: GatewayRecord,
  graceMs: number,
): Promise<"stopped" | "killed"> {
  if (!await askedToStop(record, graceMs)) signal(record, "SIGTERM");
  if (await ended(record, graceMs)) return await cleared(folder, record, "stopped");
  signal(record, "SIGKILL");
  if (await ended(record, KILLED_MS)) return await cleared(folder, record, "killed");
  throw new GatewayError(
    `Gateway "${record.name}" cannot be ended: process ${record.pid} goes on after SIGKILL`,
  );
}

async function cleared<T>(folder: StateFolder, { name }: GatewayRecord, how: T): Promise<T> {
  await folder.clear(name);
  return how;
}

async function askedToStop({ admin: { url, token } }: GatewayRecord, graceMs: number): Promise<boolean> {
  try {
    const timeoutMs = Math.max(1, Math.min(ASK_MS, graceMs));
    const { status } = await askLocally(`${url}/stop`, { method: "POST", token, timeoutMs });
    return status === 202;
  } catch {
    // It hangs, or has just ended.
    return false;
  }
}

/** Only the process that the record means, and not another one that has its number now. */
function signal(record: GatewayRecord, name: "SIGTERM" | "SIGKILL"): void {
  if (!runs(record)) return;
  try {
    kill(record.pid, name);
  } catch (error) {
    if (runs(record)) throw error;
  }
}

async function ended(record: GatewayRecord, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (runs(record)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

/** For one without a record. */
export function lost(name: string, holder: Holder): string {
  return `Gateway "${name}" has no record: it starts or stops, or the record was removed; ${
    holderText(holder)
  }`;
}

export function holderText({ path, pid }: Holder): string {
  return pid === undefined
    ? `a process holds ${path}`
    : `process ${pid} holds ${path}, and kill ${pid} ends it`;
}

/** As it is to be typed. */
export function restartLine(name: string): string {
  return name === DEFAULT_NAME ? "keystone restart" : `keystone restart --name ${name}`;
}

/** For who asked for a name that none has. */
export async function notRunning(folder: StateFolder, name: string): Promise<string> {
  const left = await folder.read(name).catch(() => undefined);
  if (left) {
    const kept = `its process ${left.pid} has ended, and its flags are kept`;
    return `Gateway "${name}" does not run: ${kept}; ${restartLine(name)} takes them\n`;
  }
  const holder = await folder.holder(name);
  if (holder !== undefined) return `${lost(name, holder)}\n`;
  const others: string[] = [];
  for (const other of await folder.names()) {
    const record = await folder.read(other).catch(() => undefined);
    if (record && runs(record)) others.push(other);
  }
  const hint = others.length > 0 ? `; there is ${others.slice(0, 10).join(", ")}` : "";
  return `Gateway "${name}" does not run${hint}\n`;
}
