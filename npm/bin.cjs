#!/usr/bin/env node
// Runs Keystone, which is one file, by the Deno that npm has installed, and is that process to whoever started it:
// same stdin, stdout and arguments, same exit code, same signals.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const { join } = require("node:path");
const process = require("node:process");
const { denoExecutable, LaunchError, reasonNotStarted } = require("./deno_executable.cjs");
const { programEnvironment } = require("./environment.cjs");
const { endsWithLauncher, onLauncherEnd } = require("./launcher.cjs");
const RUN_FLAGS = require("./run_flags.json");

const isWindows = process.platform === "win32";

/**
 * What the program acts on or dies of. A terminal sends its own to both of us, and then the program gets one twice;
 * what comes again within half a second is one for it. On Windows each console program hears by itself, and to signal
 * one is to kill it.
 */
const SIGNALS = isWindows
  ? ["SIGINT", "SIGBREAK", "SIGHUP"]
  : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"];

function main(args) {
  const executable = denoExecutable();
  const program = spawn(executable, [...RUN_FLAGS, join(__dirname, "keystone.js"), ...args], {
    stdio: "inherit",
    env: programEnvironment(args, process),
  });
  program.on("error", (error) => fail(reasonNotStarted(executable, error)));
  program.on("exit", endAs);
  for (const signal of SIGNALS) process.on(signal, () => isWindows || program.kill(signal));
  if (endsWithLauncher(args, process.env)) onLauncherEnd(process.env, () => program.kill("SIGTERM"));
}

/** Ends as the program did, by the same signal if it was one. */
function endAs(code, signal) {
  if (signal === null) process.exit(code);
  // Where the signal does not end us, as some do not end Node, the code says it as a shell's does.
  process.exitCode = 128 + constants.signals[signal];
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

function fail(reason) {
  process.stderr.write(`keystone: ${reason}\n`);
  process.exitCode = 1;
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LaunchError)) throw error;
  fail(error.message);
}
