/** The gateway in this process, so that a test can do to it what nothing on the network can. */
import assert from "node:assert/strict";
import { App } from "../../src/app.ts";
import type { RawOptions } from "../../src/config/options.ts";
import type { Operands } from "../../src/config/server_input.ts";
import { logSink } from "../../src/observe/log.ts";
import type { Runtime } from "../../src/overrides/runtime.ts";
import { resolved } from "./config.ts";
import type { Keystone } from "./keystone.ts";
import { type Recorder, recorder } from "./recorder.ts";

/** Registers a test. The gateway has timers that end by themselves when nothing waits any more, or with its process. */
export function servedTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

export interface Served extends Pick<Keystone, "mcp" | "sse" | "ws">, Recorder, AsyncDisposable {
  readonly runtime: Runtime;
  /** Of level info, as text. */
  log(): string;
}

/** Serves one server on a free port. */
export function served(options: RawOptions, operands: Operands = { argv: [] }): Served {
  const { config } = resolved({ port: "0", tryAtStart: false, ...options }, operands);
  const record = recorder();
  const lines: string[] = [];
  const log = logSink({ level: "info", format: "text", write: (line) => void lines.push(line) });
  const app = new App(config, { version: "1.2.3", sinks: [record.emit, log] });
  const endpoints = app.announced.flatMap(({ endpoints }) => endpoints);
  const url = (type: string) => endpoints.find((endpoint) => endpoint.type === type)?.url ?? "";
  const [runtime] = app.runtimes.values();
  assert(runtime);
  return {
    ...record,
    ...{ mcp: url("http"), sse: url("sse"), ws: url("ws"), runtime },
    log: () => lines.join(""),
    [Symbol.asyncDispose]: () => app.stop("the test is over"),
  };
}
