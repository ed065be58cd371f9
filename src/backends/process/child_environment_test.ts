import assert from "node:assert/strict";
import { childEnvironment } from "./child_environment.ts";

const CONFIGURED = { KEY: "configured", MODE: "plain" };
const linux = { inherited: () => ({ HOME: "/root", KEY: "inherited" }), os: "linux" } as const;

Deno.test("childEnvironment puts what is changed in the place of what is configured, and leaves the rest to be inherited", () => {
  const { env, clearEnv } = childEnvironment(CONFIGURED, { KEY: "changed", MORE: "" }, linux);
  assert.deepEqual(env, { KEY: "changed", MODE: "plain", MORE: "" });
  assert.equal(clearEnv, undefined);
});

Deno.test("childEnvironment takes away what is configured and what is inherited", () => {
  assert.deepEqual(childEnvironment(CONFIGURED, { KEY: null }, linux), {
    env: { HOME: "/root", MODE: "plain" },
    clearEnv: true,
  });
  assert.deepEqual(childEnvironment({}, { HOME: null, KEY: "changed" }, linux), {
    env: { KEY: "changed" },
    clearEnv: true,
  });
});

Deno.test("childEnvironment does not mind the case of a name on Windows", () => {
  const windows = { inherited: () => ({ Path: "C:\\", TEMP: "t" }), os: "windows" } as const;
  assert.deepEqual(childEnvironment({ Temp: "other" }, { PATH: null, TEMP: null }, windows), {
    env: {},
    clearEnv: true,
  });
});
