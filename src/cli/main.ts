/** The command line: parse, start, wait, stop. Errors become output here and nowhere else. */
import { type App, startApp } from "../app.ts";
import { parseArgs, type ResolvedConfig } from "../config/mod.ts";
import { ConfigError } from "../core/errors.ts";
import type { GatewayEvent, Sink } from "../core/events.ts";
import { type LineWriter, lineWriter } from "../observe/line_writer.ts";
import { logSink } from "../observe/log.ts";
import { banner } from "./banner.ts";
import { stopRequests } from "./lifetime.ts";

/** 0 stopped on request, 1 failed while running, 2 wrong usage. */
type ExitCode = 0 | 1 | 2;

/** Runs the command line to its end; settles with the exit code. */
export async function main(argv: readonly string[], version: string): Promise<ExitCode> {
  const stderr = lineWriter(Deno.stderr);
  try {
    const outcome = parseArgs(argv, version);
    if (outcome.kind !== "run") {
      await print(outcome.text);
      return 0;
    }
    await serve(outcome.config, { version, warnings: outcome.warnings, stderr });
    return 0;
  } catch (error) {
    const usage = error instanceof ConfigError;
    stderr.write(usage ? `keystone: ${error.message}\n` : `keystone: failed: ${messageOf(error)}\n`);
    return usage ? 2 : 1;
  } finally {
    await stderr.flush();
  }
}

interface ServeOptions {
  readonly version: string;
  readonly warnings: readonly string[];
  readonly stderr: LineWriter;
}

async function serve(config: ResolvedConfig, { version, warnings, stderr }: ServeOptions): Promise<void> {
  const { logLevel: level, logFormat: format } = config;
  const log = logSink({ level, format, write: (line) => stderr.write(line) });
  for (const text of warnings) log({ type: "warning", text });
  const app = startApp(config, { version, sinks: [log] });
  const stop = stopRequests();
  const release = guardAgainstFaults(log, app);
  if (level !== "none") await print(banner(app, { version, server: config.command.label }));
  const reason = await stop.first;
  const orderly = app.stop(reason);
  await Promise.race([orderly, stop.second.then(() => app.kill())]);
  release();
  stop.release();
}

/** A fault that escaped its session is logged and ends nothing; the last moment still takes all children along. */
function guardAgainstFaults(log: Sink, app: App): () => void {
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    log(faultOf("unhandled rejection", event.reason));
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    log(faultOf("uncaught error", event.error));
  };
  const onUnload = () => app.kill();
  addEventListener("unhandledrejection", onRejection);
  addEventListener("error", onError);
  addEventListener("unload", onUnload);
  return () => {
    removeEventListener("unhandledrejection", onRejection);
    removeEventListener("error", onError);
  };
}

function faultOf(where: string, error: unknown): GatewayEvent {
  return { type: "fault", where, error };
}

async function print(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text + "\n"));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
