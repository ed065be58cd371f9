/**
 * Clients of the official SDKs of other languages, as they settle on a revision by themselves, at servers of each era: what
 * they use of the protocol works between any two.
 */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { commandLine, SMALL_DUAL, SMALL_LEGACY, SMALL_MODERN, startKeystone } from "../support/keystone.ts";
import { type Sdk, TOOLCHAINS } from "../support/sdks.ts";

/** Python takes its time to load, and more of it beside busy neighbours. */
const PATIENCE_MS = 120_000;

const SERVERS = { legacy: SMALL_LEGACY, modern: SMALL_MODERN, dual: SMALL_DUAL };
const REVISIONS = { auto: "2026-07-28", legacy: "2025-11-25" };
type Mode = keyof typeof REVISIONS;

const THOUGHT = { model: "m", role: "assistant", content: { type: "text", text: "Hm" } };
const TOLD = {
  add: "3",
  ask: ["for Ada", THOUGHT],
  work: "done",
  steps: [[1, 2], [2, 2]],
  prompts: ["greet"],
  prompt: "Hello, Ada",
  resources: ["test://note"],
  note: "a note",
  heard: ["tools", "test://note", "tools"],
  takenBack: "yes",
};

for (const { language, missing, prepare } of TOOLCHAINS) {
  for (const [era, server] of Object.entries(SERVERS)) {
    Deno.test({
      name: `gateway serves a ${era} server to clients of ${language}'s official SDK${
        missing ? `: ${missing}` : ""
      }`,
      ignore: missing !== undefined,
      async fn() {
        const sdk = await prepare();
        for (const [flags, modes] of [[["--stateful"], ["auto", "legacy"]], [[], ["auto"]]] as const) {
          await using gateway = await startKeystone([...flags], { server });
          for (const mode of modes) assertTold(await visit(sdk, mode, [gateway.mcp]), mode, flags.join());
          assert.doesNotMatch(gateway.stderr(), / (WRN|ERR) /);
        }
        const gateway = [Deno.execPath(), ...commandLine(["--outputTransport", "stdio"], { server })];
        for (const mode of ["auto", "legacy"] as const) {
          assertTold(await visit(sdk, mode, gateway), mode, "stdio");
        }
      },
    });
  }
}

async function visit(
  { visitor }: Sdk,
  mode: Mode,
  target: readonly string[],
): Promise<Record<string, unknown>> {
  const [program = "", ...args] = [...visitor, mode, ...target];
  const run = new Deno.Command(program, { args, stdin: "null" }).output();
  const { code, stdout, stderr } = await inTime(run, program, PATIENCE_MS);
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, text + new TextDecoder().decode(stderr));
  return JSON.parse(text);
}

function assertTold({ tools, ask, ...told }: Record<string, unknown>, mode: Mode, where: string): void {
  assert(Array.isArray(tools) && typeof ask === "string");
  for (const tool of ["add", "ask", "work"]) assert(tools.includes(tool), tool);
  const [name, thought = ""] = ask.split(/: (.*)/s);
  const said = { ...told, ask: [name, JSON.parse(thought)] };
  assert.deepEqual(said, { ...TOLD, revision: REVISIONS[mode] }, `${mode} ${where}`);
}
