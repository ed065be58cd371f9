/** Starting a child in a process group of its own, and why it cannot be started. */
import type { Launch } from "../../core/backend.ts";
import { BackendError, BusyError } from "../../core/errors.ts";
import type { Sink } from "../../core/events.ts";
import { childEnvironment } from "./child_environment.ts";
import { spawnPlan } from "./spawn_plan.ts";

export interface StartOptions {
  /** For logs and banners. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** `program` is a line for the shell. */
  readonly shell: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  readonly emit: Sink;
}

/** Throws BusyError where the machine has no room for it, and BackendError for what else keeps it from being started. */
export function startChild(options: StartOptions, launch: Launch): Deno.ChildProcess {
  const { name, cwd, emit } = options;
  const { program, args, windowsRawArguments } = spawnPlan(options, launch.args);
  try {
    return new Deno.Command(program, {
      args,
      windowsRawArguments,
      ...childEnvironment(options.env, launch.env),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // Its own process group, so that it can be stopped with everything it starts.
      detached: Deno.build.os !== "windows",
      ...(cwd === undefined ? {} : { cwd }),
    }).spawn();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const { session, own } = launch;
    emit({ type: "child.failed", session, server: name, reason, ...own && { own } });
    if (isExhaustion(cause)) throw new BusyError("The machine has no room for another process", { cause });
    throw new BackendError("The MCP server could not be started", { cause });
  }
}

/** It says nothing of the server, and passes: processes, memory, file descriptors (fork(2), pipe(2)). */
function isExhaustion(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EAGAIN" || code === "ENOMEM" || code === "EMFILE" || code === "ENFILE";
}
