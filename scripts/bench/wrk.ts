/** Load by `wrk`, which costs less than anything in JavaScript: one thread, a connection for each caller. */
import type { Bench } from "./bench.ts";
import { bodyLength, callParts, fillOf, type Shape, WrongAnswerError } from "./calls.ts";
import type { Gateway } from "./gateway.ts";
import type { LoadFigures } from "./load.ts";
import { requestHead, type SessionId } from "./session.ts";

interface WrkOptions {
  /** One is a connection. */
  readonly callers: number;
  readonly seconds: number;
  readonly shape: Shape;
  /** To take turns in. */
  readonly sessions: readonly SessionId[];
  readonly signal: AbortSignal;
}

const IDS_OF_A_RUN = 2_000_000; // more than any gateway answers while one lasts
const SCRIPT = new URL("wrk.lua", import.meta.url);

/** Throws when an answer was wrong, refused or missing. */
export async function wrkLoad(bench: Bench, { url }: Gateway, options: WrkOptions): Promise<LoadFigures> {
  const first = bench.ids.block(IDS_OF_A_RUN);
  const script = `${bench.folder}/load.${first}.lua`;
  const fixed = await Deno.readTextFile(SCRIPT);
  await Deno.writeTextFile(script, `${luaValues(url, options, first)}\n${fixed}`);
  const { stdout, stderr } = await new Deno.Command("wrk", {
    args: [...flags(options), "--script", script, url.origin + url.pathname],
    stdin: "null",
    signal: options.signal,
  }).output();
  options.signal.throwIfAborted();
  const decoder = new TextDecoder();
  return parseWrk(decoder.decode(stdout), decoder.decode(stderr));
}

function flags({ callers, seconds }: WrkOptions): string[] {
  // It takes whole seconds only.
  const duration = `${Math.max(1, Math.round(seconds))}s`;
  return ["--threads", "1", "--connections", `${callers}`, "--duration", duration, "--timeout", "20s"];
}

/** What the script is told, as assignments in Lua. */
export function luaValues(
  url: URL,
  { shape, sessions }: Pick<WrkOptions, "shape" | "sessions">,
  first: number,
): string {
  const parts = callParts(shape);
  const { modern } = shape;
  const heads = sessions.map((session) => requestHead({ url, session, length: bodyLength(parts), modern }));
  return [
    `HEADS = {${heads.map(luaString).join(",")}}`,
    `PARTS = {${parts.map(luaString).join(",")}}`,
    `FILL = ${luaString(fillOf(shape))}`,
    `FIRST = ${first}`,
  ].join("\n");
}

function luaString(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${escaped.replaceAll("\r", "\\r").replaceAll("\n", "\\n")}"`;
}

interface Summary {
  readonly requests: number;
  readonly microseconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly wrong: number;
  readonly refused: number;
  readonly broken: number;
  readonly example: string;
}

/** Reads the line that the script prints at the end. */
export function parseWrk(stdout: string, stderr = ""): LoadFigures {
  const line = stdout.match(/^RESULT (\{.*\})$/m)?.[1];
  if (line === undefined) throw new Error(`wrk printed no result: ${(stderr || stdout).trim().slice(-300)}`);
  const summary: Summary = JSON.parse(line);
  const { requests, wrong, refused, broken, example } = summary;
  if (wrong > 0) throw new WrongAnswerError(`${wrong} of ${requests} answers are wrong, like ${example}`);
  if (refused > 0) throw new Error(`${refused} of ${requests} calls were refused: ${example}`);
  if (broken > 0) throw new Error(`${broken} connections broke or calls timed out`);
  if (requests === 0) throw new Error("Nothing was answered");
  return {
    rate: requests / (summary.microseconds / 1e6),
    p50: summary.p50 / 1000,
    p99: summary.p99 / 1000,
  };
}
