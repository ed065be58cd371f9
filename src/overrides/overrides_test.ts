import assert from "node:assert/strict";
import { AS_CONFIGURED } from "../core/backend.ts";
import { FakeBackend, LAUNCH } from "../../tests/support/fake_backend.ts";
import { Overrides } from "./overrides.ts";

const SIGNAL = new AbortController().signal;
const KEY = { env: { KEY: "set" } };

function rig() {
  const overrides = new Overrides();
  const fake = new FakeBackend();
  const backend = overrides.around(fake);
  return { overrides, fake, open: (session = "s1") => backend.open({ ...LAUNCH, session }, SIGNAL) };
}

Deno.test("Overrides opens a server with what is set then for all, and for its session", async () => {
  const { overrides, fake, open } = rig();
  await open();
  overrides.defaults.write({ args: ["-v"], ...KEY });
  overrides.forSession("s2").write({ env: { KEY: null } });
  await open();
  await open("s2");
  assert.deepEqual(fake.launches.map(({ session, args, env }) => [session, args, env]), [
    ["s1", [], {}],
    ["s1", ["-v"], { KEY: "set" }],
    ["s2", ["-v"], { KEY: null }],
  ]);
});

Deno.test("Overrides leaves alone what else a server is opened with", async () => {
  const { overrides, fake } = rig();
  overrides.defaults.write({ args: ["-v"] });
  const more = { era: "modern", owner: "ada", party: "here" } as const;
  await overrides.around(fake).open({ ...LAUNCH, ...more, session: "s1" }, SIGNAL);
  const [{ era, owner, party, session, args } = LAUNCH] = fake.launches;
  assert.deepEqual({ era, owner, party, session, args }, { ...more, session: "s1", args: ["-v"] });
});

Deno.test("Overrides has a server that is open read its headers anew", async () => {
  const { overrides, fake, open } = rig();
  await open();
  const [launch] = fake.launches;
  assert.deepEqual(launch?.headers, {});
  overrides.defaults.write({ headers: { "x-key": "all" } });
  assert.deepEqual(launch?.headers, { "x-key": "all" });
  overrides.forSession("s1").write({ headers: { "x-key": "one" } });
  assert.deepEqual(launch?.headers, { "x-key": "one" });
  overrides.forget("s1");
  overrides.defaults.write({});
  assert.deepEqual(launch?.headers, {});
});

Deno.test("Overrides knows which servers were opened with other settings than hold now", async () => {
  const { overrides, open } = rig();
  const isStale = () => overrides.isStale("s1", AS_CONFIGURED);
  await open();
  assert.equal(isStale(), false);
  overrides.defaults.write(KEY);
  assert.equal(isStale(), true);
  await open();
  assert.equal(isStale(), false);
  overrides.forSession("s1").write({ env: { KEY: "set" } });
  assert.equal(isStale(), false, "it comes to the same");
  overrides.defaults.write({});
  assert.equal(isStale(), false);
  overrides.forSession("s1").write({});
  assert.equal(isStale(), true);
});

Deno.test("Overrides forgets a server that is disposed, and none that took its place", async () => {
  const { overrides, open } = rig();
  overrides.defaults.write(KEY);
  const first = await open();
  const second = await open();
  await first[Symbol.asyncDispose]();
  assert.equal(overrides.isStale("s1", AS_CONFIGURED), false);
  await second[Symbol.asyncDispose]();
  assert.equal(overrides.isStale("s1", AS_CONFIGURED), true);
});

Deno.test("Overrides knows a server that was started ahead by the session that has it", async () => {
  const { overrides, open } = rig();
  overrides.defaults.write(KEY);
  const server = await open("warm-1");
  overrides.assigned("warm-1", "s1");
  assert.equal(overrides.isStale("s1", AS_CONFIGURED), false);
  await server[Symbol.asyncDispose]();
  assert.equal(overrides.isStale("s1", AS_CONFIGURED), true);
});

Deno.test("Overrides gives the backend's own channel where nothing is set, which costs its messages nothing", async () => {
  const { fake, open } = rig();
  const channel = await open();
  assert.equal(channel, (await fake.next()).near);
});
