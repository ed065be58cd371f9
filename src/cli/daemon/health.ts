/** `keystone health`: for scripts, which look at the exit code. */
import { ConfigError, messageOf } from "../../core/errors.ts";
import { escaped } from "../../base/outside.ts";
import { safeText } from "../../base/telling.ts";
import { StateFolder } from "../../state/mod.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { helpOf } from "./help.ts";
import { askStatus, findRunning, healthText, notRunning } from "./known_gateway.ts";
import { readOwnFlags, readTime } from "./own_flags.ts";

const TIMEOUT = "5s";
/** Of what a gateway says that may be anybody's. */
const SHOWN_CHARS = 500;

interface Verdict {
  readonly well: boolean;
  readonly text: string;
}

export async function run(args: readonly string[], { stdout }: CommandContext): Promise<ExitCode> {
  const given = readOwnFlags("health", args, { flags: { timeout: { type: "string" } }, operands: 1 });
  if (given.on("help")) {
    stdout.write(helpOf("health"));
    return 0;
  }
  const timeoutMs = Math.max(1, readTime("timeout", given.text("timeout") ?? TIMEOUT));
  const [url] = given.operands;
  const { well, text } = url === undefined
    ? await byName(await StateFolder.open(given.stateDir), given.name, timeoutMs)
    : await byUrl(healthUrl(url), timeoutMs);
  stdout.write(`${escaped(safeText(text, SHOWN_CHARS))}\n`);
  return well ? 0 : 1;
}

async function byName(folder: StateFolder, name: string, timeoutMs: number): Promise<Verdict> {
  const record = await findRunning(folder, name);
  if (!record) return { well: false, text: (await notRunning(folder, name)).trimEnd() };
  const told = await askStatus(record, timeoutMs);
  if (!told) return { well: false, text: `Gateway "${name}" runs, and does not answer` };
  return { well: told.health.serving, text: healthText(told.health) };
}

async function byUrl(url: URL, timeoutMs: number): Promise<Verdict> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: "manual" });
    await response.body?.cancel();
    return { well: response.ok, text: response.ok ? "ok" : `${url.origin} answers ${response.status}` };
  } catch (error) {
    return { well: false, text: `${url.origin} does not answer: ${messageOf(error)}` };
  }
}

/** Of the gateway, or of a health route itself. */
function healthUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new ConfigError(
      `Unexpected argument ${
        JSON.stringify(text.slice(0, 40))
      }: expected a URL such as http://127.0.0.1:8000`,
    );
  }
  return url.pathname === "/" ? new URL("/health", url) : url;
}
