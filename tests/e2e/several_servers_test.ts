/** One process that holds more servers than one: each has its own children, sessions and health. */
import assert from "node:assert/strict";
import { startApp } from "../../src/app.ts";
import type { Config } from "../../src/config/config.ts";
import { recorder } from "../support/recorder.ts";
import { resolved } from "../support/config.ts";
import { eventually, SCRIPTED } from "../support/keystone.ts";

const OPTIONS = { children: "shared", port: "0", logLevel: "none" };

function servedTwice(): Config {
  const { config } = resolved(OPTIONS, { argv: SCRIPTED });
  const [server] = config.servers.values();
  assert(server);
  return { ...config, servers: new Map([["one", server], ["two", server]]) };
}

Deno.test("startApp starts each server of the configuration, and stops all of them", async () => {
  const { emit, told } = recorder();
  const app = startApp(servedTwice(), { version: "1.2.3", sinks: [emit] });
  await eventually(() => Promise.resolve(told("child.ready").length), (ready) => ready === 2);
  const pids = told("child.started").map(({ pid }) => pid);
  assert.equal(new Set(pids).size, 2);
  assert.deepEqual(app.openCalls(), []);
  assert.equal(typeof app.idleSince, "number");
  await app.stop("the test is over");
  assert.deepEqual(told("child.exited").map(({ pid, expected }) => [pid, expected]).sort(), [
    ...pids.map((pid) => [pid, true]).sort(),
  ]);
  assert.equal(told("gateway.stopped").length, 1);
});
