import assert from "node:assert/strict";
import { AS_CONFIGURED, type LaunchSettings } from "../core/backend.ts";
import { changed, merge, namesIn, NOTHING, type Override, settingsText } from "./override.ts";

const CALLER: LaunchSettings = { args: [], env: { KEY: "caller" }, headers: { "x-key": "caller" } };

interface Case {
  readonly says: string;
  readonly defaults?: Override;
  readonly caller?: LaunchSettings;
  readonly session?: Override;
  readonly gives: LaunchSettings;
}

const CASES: readonly Case[] = [
  { says: "what is configured where nothing is said", gives: AS_CONFIGURED },
  {
    says: "the defaults",
    defaults: { args: ["-v"], env: { A: "1" }, headers: { "x-a": "1" } },
    gives: { args: ["-v"], env: { A: "1" }, headers: { "x-a": "1" } },
  },
  { says: "what the caller brings", caller: CALLER, gives: CALLER },
  {
    says: "the caller over the defaults, by name",
    defaults: { env: { KEY: "default", A: "1" }, headers: { "x-key": "default" } },
    caller: CALLER,
    gives: { args: [], env: { KEY: "caller", A: "1" }, headers: { "x-key": "caller" } },
  },
  {
    says: "the session over the caller and the defaults, by name",
    defaults: { env: { KEY: "default", A: "1" } },
    caller: CALLER,
    session: { env: { KEY: "session", B: "2" }, headers: { "x-key": "session" } },
    gives: { args: [], env: { KEY: "session", A: "1", B: "2" }, headers: { "x-key": "session" } },
  },
  {
    says: "the arguments of the session in the place of those of the defaults",
    defaults: { args: ["-v"] },
    session: { args: ["-q", "x"] },
    gives: { ...AS_CONFIGURED, args: ["-q", "x"] },
  },
  {
    says: "no arguments for a session without any",
    defaults: { args: ["-v"] },
    session: { args: null },
    gives: AS_CONFIGURED,
  },
  {
    says: "nothing of all others for a field that the session has as it is configured",
    defaults: { env: { A: "1" }, headers: { "x-a": "1" } },
    caller: CALLER,
    session: { env: null, headers: null },
    gives: AS_CONFIGURED,
  },
  {
    says: "a name that is taken away",
    defaults: { env: { A: null, B: null } },
    session: { env: { B: "2" }, headers: { authorization: null } },
    gives: { args: [], env: { A: null, B: "2" }, headers: { authorization: null } },
  },
  {
    says: "what the caller brings where the defaults have it as it is configured",
    defaults: { env: null },
    caller: CALLER,
    gives: CALLER,
  },
];

for (const { says, defaults = NOTHING, caller = AS_CONFIGURED, session, gives } of CASES) {
  Deno.test(`merge gives ${says}`, () => assert.deepEqual(merge(defaults, caller, session), gives));
}

Deno.test("merge gives the caller's own object where nothing is set, so that it costs nothing", () => {
  assert.equal(merge(NOTHING, CALLER), CALLER);
});

Deno.test("changed keeps what a change does not name", () => {
  const override = { args: ["-v"], env: { A: "1", B: "2" }, headers: { "x-a": "1" } };
  assert.deepEqual(changed(override, { env: { B: null, C: "3" } }), {
    ...override,
    env: { A: "1", B: null, C: "3" },
  });
  assert.deepEqual(changed(override, { args: null, env: null }), { ...override, args: null, env: null });
  assert.deepEqual(changed({ env: null }, { env: { A: "1" } }), { env: { A: "1" } });
});

Deno.test("namesIn names what a change is about, and tells no value", () => {
  assert.deepEqual(
    namesIn({ args: ["s3cret"], env: { A: "s3cret", B: null }, headers: { "x-a": "s3cret" } }),
    [
      "args",
      "env.A",
      "env.B",
      "headers.x-a",
    ],
  );
  assert.deepEqual(namesIn({ args: null, env: null, headers: null }), ["args", "env", "headers"]);
  assert.deepEqual(namesIn({}), []);
});

Deno.test("settingsText tells apart what starts a server in another way, in whatever order it is said", () => {
  const one = { args: ["a"], env: { A: "1", B: "2" }, headers: {} };
  assert.equal(settingsText(one), settingsText({ ...one, env: { B: "2", A: "1" } }));
  const others = [{ ...one, args: [] }, { ...one, env: { A: "1", B: null } }, {
    ...one,
    headers: { A: "1" },
  }];
  assert.equal(new Set([one, ...others].map(settingsText)).size, 4);
});
