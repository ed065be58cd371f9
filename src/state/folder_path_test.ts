import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { defaultStateFolder } from "./folder_path.ts";

const variables = (values: Record<string, string>) => (name: string) => values[name];

Deno.test("defaultStateFolder follows the custom of each system", () => {
  const unix = variables({ HOME: "/home/a" });
  assert.equal(defaultStateFolder("linux", unix), "/home/a/.local/state/keystone");
  assert.equal(defaultStateFolder("darwin", unix), "/home/a/Library/Application Support/keystone");
  const windows = variables({ LOCALAPPDATA: "C:\\Users\\a\\AppData\\Local" });
  assert.equal(defaultStateFolder("windows", windows), "C:\\Users\\a\\AppData\\Local\\keystone");
});

Deno.test("defaultStateFolder takes XDG_STATE_HOME where that is absolute", () => {
  const of = (XDG_STATE_HOME: string) =>
    defaultStateFolder("linux", variables({ HOME: "/home/a", XDG_STATE_HOME }));
  assert.equal(of("/var/x"), "/var/x/keystone");
  for (const other of ["", "x", "./x"]) assert.equal(of(other), "/home/a/.local/state/keystone");
});

Deno.test("defaultStateFolder says what to do where there is no home", () => {
  assert.throws(
    () => defaultStateFolder("linux", variables({})),
    (error) => error instanceof ConfigError && /^HOME is not set: --stateDir has to/.test(error.message),
  );
});
