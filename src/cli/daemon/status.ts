/** `keystone status`. */
import { type GatewayRecord, StateFolder } from "../../state/mod.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { helpOf } from "./help.ts";
import { askStatus, findRunning, healthText, notRunning, type ToldStatus } from "./known_gateway.ts";
import { readOwnFlags } from "./own_flags.ts";

export async function run(args: readonly string[], { stdout, stderr }: CommandContext): Promise<ExitCode> {
  const given = readOwnFlags("status", args, { flags: { json: { type: "boolean" } } });
  if (given.on("help")) {
    stdout.write(helpOf("status"));
    return 0;
  }
  const { name } = given;
  const folder = await StateFolder.open(given.stateDir);
  const record = await findRunning(folder, name);
  if (!record) {
    if (given.on("json")) stdout.write(`${JSON.stringify({ name, running: false })}\n`);
    else stderr.write(await notRunning(folder, name));
    return 3;
  }
  const told = await askStatus(record);
  stdout.write(given.on("json") ? `${JSON.stringify(statusOf(record, told))}\n` : statusText(record, told));
  return 0;
}

/** Without the token. */
function statusOf({ name, pid, version, startedAt, urls, log, admin }: GatewayRecord, told?: ToldStatus) {
  const answers = told !== undefined;
  return {
    ...{ name, running: true, answers, pid, version, startedAt, urls },
    ...{ log: log ?? null, admin: admin.url },
    ...told,
    lastError: told?.lastError ?? null,
  };
}

function statusText(record: GatewayRecord, told: ToldStatus | undefined): string {
  const { name, pid, log, admin } = record;
  // Those of the start may be others by now.
  const { urls } = told ?? record;
  const lines: [string, string][] = [
    ["gateway", `${name}, pid ${pid}`],
    ...told ? toldLines(told) : [["health", "it runs, and does not answer"] satisfies [string, string]],
    ...urls.map((url): [string, string] => ["url", url]),
    ["admin", admin.url],
    ["log", log ?? "its stderr"],
  ];
  return lines.map(([label, value]) => `${label.padEnd(11)}${value}\n`).join("");
}

function toldLines({ health, lastError, ...told }: ToldStatus): [string, string][] {
  return [
    ["version", told.version],
    ["up", timeText(told.uptimeSeconds)],
    ["health", healthText(health)],
    ...serverLines(told.servers),
    ...certificateLine(told.certificate),
    ["sessions", `${told.sessions}, open requests ${told.openRequests}`],
    ["children", `${told.children}, restarts ${told.restarts}`],
    ["last error", lastError ? `${lastError.at} ${lastError.text}` : "none"],
  ];
}

/** Of one alone all is told above. */
function serverLines(servers: ToldStatus["servers"]): [string, string][] {
  const entries = Object.entries(servers);
  if (entries.length < 2) return [];
  return entries.map((
    [name, { sessions, ...health }],
  ) => ["server", `${name}, sessions ${sessions}, ${healthText(health)}`]);
}

function certificateLine(certificate: ToldStatus["certificate"]): [string, string][] {
  if (!certificate) return [];
  const { daysLeft, validUntil } = certificate;
  const text = daysLeft < 0
    ? `the certificate has expired, ${validUntil}`
    : `the certificate has ${daysLeft} days left, until ${validUntil}`;
  return [["tls", text]];
}

/** In the two largest units. */
export function timeText(seconds: number): string {
  const parts = [[86_400, "d"], [3_600, "h"], [60, "m"], [1, "s"]] as const;
  let left = Math.round(seconds);
  const shown = parts.map(([size, unit]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return { count, text: `${count}${unit}` };
  });
  const first = shown.findIndex(({ count }) => count > 0);
  return first < 0 ? "0s" : shown.slice(first, first + 2).map(({ text }) => text).join(" ");
}
