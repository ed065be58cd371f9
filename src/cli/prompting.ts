/** The prompt of a gateway that is served here: where it can be, and what it is given. */
import type { App } from "../app.ts";
import { optionName } from "../base/option_name.ts";
import type { Config } from "../config/mod.ts";
import { ConfigError } from "../core/errors.ts";
import type { LineWriter } from "../observe/line_writer.ts";
import type { Source } from "./loading.ts";
import type { Reloader } from "./reload.ts";

/** Throws ConfigError where one is wanted and nobody could answer it. */
export function refusePrompt({ process, servers }: Config): void {
  if (!process.prompt.runtimePrompt) return;
  const transports = [...servers.values()].flatMap((server) => server.transports);
  if (transports.includes("stdio")) throw refused("stdin is for the client here");
  const { stdin, stderr } = Deno;
  if (!stdin.isTerminal() || !stderr.isTerminal()) throw refused("expected a terminal on stdin and stderr");
}

/** Says what serves in its place. */
export function refused(why: string): ConfigError {
  const [prompt, admin] = [optionName("runtimePrompt"), optionName("runtimeAdminPort")];
  return new ConfigError(`${prompt}: ${why}; ${admin} does the same by HTTP`);
}

/** Where a prompt may take the place of the log's own lines. */
export interface LogLines {
  write: (text: string) => void;
}

interface PromptingOptions {
  readonly source: Source;
  readonly reloader: Reloader;
  readonly stdout: LineWriter;
  readonly stderr: LineWriter;
  readonly log: LogLines;
  /** Why the gateway is to stop. */
  readonly stop: (reason: string) => void;
}

/** Undefined where nobody wants one. */
export async function openPrompt(
  app: App,
  { process: { prompt, log: { logFile } } }: Config,
  options: PromptingOptions,
): Promise<Disposable | undefined> {
  if (!prompt.runtimePrompt) return undefined;
  const { source, reloader, stdout, stderr, log, stop } = options;
  const [{ Prompt }, { configurationText }, { default: process }] = await Promise.all([
    import("../prompt/mod.ts"),
    import("./config/configuration_text.ts"),
    import("node:process"),
  ]);
  // The banner is on the same terminal.
  await stdout.flush();
  const opened = new Prompt({
    input: process.stdin,
    terminal: { write: (text) => stderr.write(text), columns: () => process.stderr.columns },
    runtimes: () => app.runtimes,
    config: async () => configurationText(await source.effective()),
    reload: source.files.length > 0 ? () => reloader.reload() : undefined,
    stop,
    interrupt: () => interrupt(stop),
    emit: app.emit,
  });
  const before = log.write;
  if (logFile === undefined) log.write = (text) => opened.above(text);
  return {
    [Symbol.dispose]() {
      log.write = before;
      opened[Symbol.dispose]();
    },
  };
}

/** Whoever does it again means it as without a prompt: at once. */
function interrupt(stop: (reason: string) => void): void {
  if (Deno.build.os === "windows") stop("SIGINT");
  else Deno.kill(Deno.pid, "SIGINT");
}
