/** The open calls as text, to find out why an answer does not come. */
import type { OpenCallReport } from "../app.ts";
import type { LogFormat } from "../observe/log.ts";

/** Lines for stderr, the oldest call first. */
export function openCallsText(calls: readonly OpenCallReport[], format: LogFormat): string {
  if (format === "json") {
    return `${JSON.stringify({ event: "calls.open", message: `Open calls: ${calls.length}`, calls })}\n`;
  }
  return [`Open calls: ${calls.length}`, ...calls.map(callLine), ""].join("\n");
}

function callLine({ seconds, ...call }: OpenCallReport): string {
  const pairs = Object.entries(call).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `  ${seconds.toFixed(1)} s  ${pairs.join(" ")}`;
}
