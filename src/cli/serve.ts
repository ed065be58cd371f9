/** A gateway from its start to its end: the log, the banner, what ends it. */
import { App, type Unstartable } from "../app.ts";
import type { AuthSettings } from "../auth/options.ts";
import { openAuthenticators } from "../authenticators.ts";
import { optionName } from "../base/option_name.ts";
import type { Config } from "../config/mod.ts";
import { GatewayError } from "../core/errors.ts";
import { bus, type GatewayEvent, type Sink } from "../core/events.ts";
import { isOnNetwork } from "../served_server.ts";
import { logSink } from "../observe/log.ts";
import type { LogSettings } from "../observe/options.ts";
import { type Administration, openAdministration } from "./administration.ts";
import { openAuditTrail } from "./audit_output.ts";
import { banner } from "./banner.ts";
import type { CommandContext } from "./command.ts";
import type { Kept } from "./kept.ts";
import { stopRequests } from "./lifetime.ts";
import type { Source } from "./loading.ts";
import { logOutput } from "./log_output.ts";
import { openCallsText } from "./open_calls.ts";
import { type LogLines, openPrompt } from "./prompting.ts";
import { Reloader } from "./reload.ts";
import { openTls, type TlsSource } from "../tls_source.ts";
import { trialText } from "./trial_text.ts";

const NO_FILE = "there is no configuration file to read anew";

interface ServeOptions extends CommandContext {
  readonly warnings: readonly string[];
  readonly source: Source;
  /** Others look after it. */
  readonly kept?: Kept;
}

/** Settles when it has stopped on request. Throws ConfigError for what cannot be started, and the reason of any other end. */
export async function serve(config: Config, options: ServeOptions): Promise<void> {
  const { version, kept } = options;
  const { logLevel: level, logFormat: format, slowRequestMs } = config.process.log;
  await using output = logOutput(config.process.log, options.stderr);
  const lines: LogLines = { write: (text) => output.write(text) };
  const write = (text: string) => lines.write(text);
  const colours = config.process.log.logFile === undefined && wantsColours();
  const log = logSink({ level, format, slowRequestMs, colours, write });
  // Ends after all that it has to tell of.
  await using audit = await openAuditTrail(config.process.audit, { version, emit: log });
  const recorded = audit ? [log, audit.hear] : [log];
  await using admin = await openAdministration(config.process, { version, log: bus(recorded), kept });
  const unstartable = untilUnstartable(config.process.log, write);
  const sinks = admin ? [...recorded, admin.hear] : recorded;
  await using authenticators = await openAuthenticators({
    auth: authOf(config),
    jwt: config.process.jwt,
    ...{ stateDir: config.process.state.stateDir, emit: bus(sinks) },
  });
  const app = new App(config, {
    ...{ version, sinks, onUnstartable: unstartable.hear },
    authenticators: authenticators.all,
    tls: await tlsOf(config),
    audit,
  });
  audit?.attach(app.emit);
  const { source } = options;
  using reloader = new Reloader(app, source.files, { load: (change) => source.load(change), emit: app.emit });
  admin?.attach(app, { reloader, source });
  await untilStopped(app, config, {
    ...options,
    ...{ log, lines, write, admin, reloader },
    unstartable: unstartable.ended,
  });
}

/** Where nothing listens nobody has to prove anything, and no key is made. */
function authOf(config: Config): AuthSettings {
  const { auth } = config.process;
  return listens(config) ? auth : { ...auth, authKinds: [] };
}

async function tlsOf(config: Config): Promise<TlsSource | undefined> {
  const { tls, listen: { host }, state: { stateDir } } = config.process;
  return listens(config) ? await openTls({ tls, host, stateDir }) : undefined;
}

function listens({ servers }: Config): boolean {
  return [...servers.values()].some(isOnNetwork);
}

interface Running extends ServeOptions {
  readonly log: Sink;
  readonly lines: LogLines;
  /** To where the log goes. */
  readonly write: (text: string) => void;
  readonly admin: Administration | undefined;
  readonly reloader: Reloader;
  /** Settles where a server that cannot be started is the end. */
  readonly unstartable: Promise<Error>;
}

async function untilStopped(app: App, config: Config, running: Running): Promise<void> {
  const { log } = running;
  // Not before: a line that is refused is told of in one line.
  for (const text of running.warnings) log({ type: "warning", text });
  const stop = stopsOf(app, config, running);
  guardAgainstFaults(log, app);
  const reason = await servedUntil(stop.first, app, { ...running, config });
  const orderly = app.stop(reason instanceof Error ? reason.message : reason);
  const atOnce = stop.second.then(() => {
    log({ type: "warning", text: "Stopped at once: a second signal came" });
    app.kill();
  });
  await Promise.race([orderly, atOnce]);
  if (reason instanceof Error) throw reason;
}

function stopsOf(app: App, config: Config, running: Running) {
  const { watch, exitWithParent: watchParent, idleExitMs } = config.process.lifetime;
  const idle = idleExitMs === undefined ? undefined : { ms: idleExitMs, since: () => app.idleSince };
  const onHangup = hangsUpForReload() ? hangup(running) : undefined;
  if (watch && running.source.files.length > 0) running.reloader.watch();
  else if (watch) running.log({ type: "warning", text: `${optionName("watch")} has no effect: ${NO_FILE}` });
  return stopRequests({ watchStdin: !isByStdio(config), watchParent, onHangup, idle });
}

/** Comes to the reason to stop; an error is one that does not end in good order. */
async function servedUntil(
  stopped: Promise<string>,
  app: App,
  running: Running & { readonly config: Config },
): Promise<string | Error> {
  const { config, write, lines, admin, kept, unstartable } = running;
  const { logFormat: format } = config.process.log;
  tellOpenCallsOnSignal(() => write(openCallsText(app.openCalls(), format)));
  if (!kept?.quiet) showBanner(app, config, running);
  const quit = Promise.withResolvers<string>();
  // Left before the gateway stops: the terminal is as ever for another Ctrl-C.
  using _prompt = await openPrompt(app, config, { ...running, log: lines, stop: quit.resolve });
  await kept?.ready({ urls: app.urls, adminUrl: admin?.endpoint?.url ?? "" });
  const finished = app.finished.then(() => "the client on stdin is done");
  const failed = app.failed.catch((error: Error) => error);
  const asked = [stopped, quit.promise, ...admin ? [admin.stopRequested] : []];
  return await Promise.race([...asked, finished, failed, unstartable]);
}

/** Undefined where it means the end. Whoever sends it to a gateway in the background wants no end, but a reload. */
function hangup({ source, reloader, kept, log }: Running): (() => void) | undefined {
  if (source.files.length > 0) return () => reloader.request();
  if (!kept?.quiet) return undefined;
  return () => log({ type: "warning", text: `SIGHUP: ${NO_FILE}` });
}

/** A terminal that is closed says it too, and then it means the end. */
function hangsUpForReload(): boolean {
  return Deno.build.os !== "windows" && !Deno.stdin.isTerminal();
}

function isByStdio({ servers }: Config): boolean {
  return [...servers.values()].some(({ transports }) => transports.includes("stdio"));
}

function showBanner(app: App, config: Config, { version, stdout, stderr }: CommandContext): void {
  const { log: { logLevel, logFormat: format }, auth: { authKinds } } = config.process;
  if (logLevel === "none" || app.urls.length === 0) return;
  // stdout belongs to the protocol where a client listens to it.
  const out = isByStdio(config) ? stderr : stdout;
  out.write(`${banner(app, { version, format, authKinds })}\n`);
}

/** Tells of servers that cannot be started; `ended` settles where that is the end. */
function untilUnstartable({ logLevel, logFormat: format }: LogSettings, write: (text: string) => void) {
  const ended = Promise.withResolvers<Error>();
  const hear = ({ report, ends }: Unstartable) => {
    if (logLevel !== "none") write(trialText(report, { format, ends }));
    if (ends) {
      ended.resolve(new GatewayError(`the MCP server cannot be started (${optionName("exitOnFailure")})`));
    }
  };
  return { hear, ended: ended.promise };
}

/** As BSD's tools do on Ctrl-T, and others where there is no such key. */
function tellOpenCallsOnSignal(tell: () => void): void {
  if (Deno.build.os === "windows") return;
  // SIGUSR1 is the runtime's own: it opens its inspector, where anybody on the machine may run code.
  Deno.addSignalListener("SIGUSR2", tell);
  if (Deno.build.os === "darwin") Deno.addSignalListener("SIGINFO", tell);
}

/** For people who look on, and have not said otherwise (no-color.org). */
function wantsColours(): boolean {
  return Deno.stderr.isTerminal() && !Deno.noColor && Deno.env.get("TERM") !== "dumb";
}

/** A fault that escaped its session is logged and ends nothing; the last moment still takes all children along. */
function guardAgainstFaults(log: Sink, app: App): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log(faultOf("unhandled rejection", event.reason));
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    log(faultOf("uncaught error", event.error));
  });
  addEventListener("unload", () => app.kill());
  logRuntimeWarnings(log);
}

/** The runtime warns on the console, which would break a log of JSON lines. */
function logRuntimeWarnings(log: Sink): void {
  // deno-lint-ignore no-console -- it is replaced, and not written to
  console.warn = (...parts: unknown[]) => {
    const text = parts.map(String).join(" ");
    // We know when it fires, and ask it only where it tells what nothing else does.
    if (!text.startsWith("Deno.serve: request.signal")) log({ type: "warning", text });
  };
}

function faultOf(where: string, error: unknown): GatewayEvent {
  return { type: "fault", where, error };
}
