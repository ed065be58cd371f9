// Who started us, and whether it still runs: npx that is killed ends nothing of what it has started.
"use strict";

const { readFileSync } = require("node:fs");
const process = require("node:process");

/** No event tells that a process which is not a child of ours has ended. */
const POLL_MS = 1_000;

const FLAG = /^--(no-)?(?:exitWithParent|exit-with-parent)(?:=(.*))?$/;

/** As the user says; otherwise npx, npm and their like are not outlived, and others are, as by a binary. */
function endsWithLauncher(args, env) {
  return byFlag(args) ?? byVariable(env) ?? isByPackageManager(env);
}

/** The last one counts, and what stands behind `--` is the server's. */
function byFlag(args) {
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const flag = FLAG.exec(own.filter((arg) => FLAG.test(arg)).at(-1) ?? "");
  return flag === null ? undefined : flag[1] === undefined && flag[2] !== "false";
}

function byVariable({ KEYSTONE_EXIT_WITH_PARENT: value = "" }) {
  return value.trim() === "" ? undefined : ["true", "1"].includes(value.trim());
}

/** npm, pnpm, yarn and bun all set it. */
function isByPackageManager({ npm_config_user_agent: agent }) {
  return agent !== undefined;
}

/** Calls back once, when who started us has ended. */
function onLauncherEnd(env, callback) {
  const watches = process.platform === "win32" ? parentIsGone : othersTookOver;
  const hasEnded = watches(process.ppid, env);
  const timer = setInterval(() => {
    if (!hasEnded()) return;
    clearInterval(timer);
    callback();
  }, POLL_MS);
  timer.unref();
}

/** On Windows an orphan keeps the number of its parent. */
function parentIsGone(parent) {
  return () => {
    try {
      return !process.kill(parent, 0);
    } catch (error) {
      // One that may not be asked is there.
      return error.code !== "EPERM";
    }
  };
}

/** An orphan gets another parent. npm starts all by a shell, which goes on waiting for us when npm is gone. */
function othersTookOver(parent, env) {
  const isShell = isByPackageManager(env) && procFile(parent, "cmdline")?.split("\0")[1] === "-c";
  const launcher = isShell ? parentOf(parent) : undefined;
  const shellWasLeft = () => {
    const now = launcher && parentOf(parent);
    return now !== undefined && now !== launcher;
  };
  return () => process.ppid !== parent || shellWasLeft();
}

/** The fourth field; the second is a name in brackets, which may have any character. */
function parentOf(pid) {
  return procFile(pid, "stat")?.replace(/^.*\)/s, "").split(" ")[2];
}

/** Linux has it, unless it is hidden. Elsewhere the shell becomes what it is to start, as dash alone does not. */
function procFile(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    // Whether the process has ended or is hidden from us: nothing is known of it.
    return undefined;
  }
}

module.exports = { endsWithLauncher, onLauncherEnd };
