// What the program's environment has besides ours.
"use strict";

/** `process` is Node's, or has the same. */
function programEnvironment(args, process) {
  return {
    ...process.env,
    KEYSTONE_COMMAND: commandOf(process),
    // Nobody who runs a gateway asked for news of Deno.
    DENO_NO_UPDATE_CHECK: "1",
    ...serves(args) && { KEYSTONE_EXIT_WITH_PARENT: "true" },
  };
}

/** Tells the program how others can start it as it was started here. */
function commandOf({ env, argv, execPath, platform }) {
  if (isByNpx(env)) return JSON.stringify(["npx", "-y", "keystone-mcp"]);
  // Windows cannot start a script by itself.
  return platform === "win32" ? JSON.stringify([execPath, argv[1]]) : argv[1];
}

/** What npx starts has these, and so has all that is started from there: the script says what it was asked for. */
function isByNpx({ npm_command, npm_lifecycle_event, npm_lifecycle_script = "" }) {
  return npm_command === "exec" && npm_lifecycle_event === "npx" && /\bkeystone\b/.test(npm_lifecycle_script);
}

/**
 * A gateway is not to outlive us, even where we are killed: without us nobody hands signals on to it. A command, whose
 * word comes first, ends by itself, and `start` leaves one in the background on purpose, unless it is to stay.
 */
function serves([word = "", ...args]) {
  if (word === "start") return own(args).includes("--foreground");
  return !/^[a-z][a-z-]*$/.test(word);
}

/** What stands behind `--` is the server's. */
function own(args) {
  return args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
}

module.exports = { programEnvironment };
