/** That the server cannot be started, told at once and in one piece. */
import type { TrialReport } from "../app.ts";
import { escaped } from "../base/outside.ts";
import { safeText } from "../base/telling.ts";
import type { LogFormat } from "../observe/log.ts";
import { startAdvice } from "./start_advice.ts";

/** Of a line of the server. */
const LINE_CHARS = 500;

interface TrialTextOptions {
  readonly format: LogFormat;
  /** What becomes of the gateway. */
  readonly ends: boolean;
}

/** For stderr, with its newline. */
export function trialText(report: TrialReport, { format, ends }: TrialTextOptions): string {
  const shown = (text: string) => escaped(safeText(text, LINE_CHARS));
  const { server } = report;
  const reason = shown(report.reason);
  const [stderr, stdout] = [report.stderr.map(shown), report.stdout.map(shown)];
  const advice = startAdvice(report).map(shown);
  const message = `The MCP server cannot be started: ${server}`;
  if (format === "json") {
    const event = "server.unstartable";
    return `${JSON.stringify({ event, message, server, reason, stderr, stdout, advice })}\n`;
  }
  const listed = (heading: string, lines: readonly string[], mark = "") =>
    lines.length === 0 ? [] : [`  ${heading}`, ...lines.map((line) => `    ${mark}${line}`)];
  return [
    "",
    message,
    `  ${reason}`,
    ...listed("Its last lines on stderr:", stderr),
    ...listed("What it wrote on stdout:", stdout),
    ...listed("What to try:", advice, "- "),
    ends
      ? "  Keystone ends (--exitOnFailure)."
      : "  Keystone serves all the same, and starts it again when a client comes.",
    "",
    "",
  ].join("\n");
}
