#!/usr/bin/env node
// Runs Keystone, which is one file, by the Deno that npm has installed, and is that process to whoever started it:
// same stdin, stdout and arguments, same exit code, same signals.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const { join } = require("node:path");
const process = require("node:process");
const { isatty } = require("node:tty");
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
  : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];

/** SIGHUP is for a reload, but for a terminal that is closed. */
const STOPS = new Set(["SIGINT", "SIGBREAK", "SIGTERM", "SIGQUIT", ...isatty(0) ? ["SIGHUP"] : []]);

function main(args) {
  const program = start(denoExecutable(), args);
  program.on("exit", endAs);
  const stopping = passSignals(program);
  if (!endsWithLauncher(args, process.env)) return;
  // A program that stops would take another signal for an order to stop at once.
  onLauncherEnd(process.env, () => stopping() || program.kill("SIGTERM"));
}

/** Throws LaunchError, or ends with the same words: the system tells some reasons at once, and others later. */
function start(executable, args) {
  try {
    const program = spawn(executable, ["run", ...RUN_FLAGS, join(__dirname, "keystone.js"), ...args], {
      stdio: "inherit",
      env: programEnvironment(args, process),
    });
    return program.on("error", (error) => fail(reasonNotStarted(executable, error)));
  } catch (error) {
    throw new LaunchError(reasonNotStarted(executable, error));
  }
}

/** Comes to a function that tells whether one of them was to stop the program. */
function passSignals(program) {
  let stopping = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      stopping ||= STOPS.has(signal);
      if (!isWindows) program.kill(signal);
    });
  }
  return () => stopping;
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
