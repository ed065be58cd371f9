/** The handshake that the gateway plays to a child whose clients say none: in which revision it is begun. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { SCRIPTED, startKeystone } from "../support/keystone.ts";
import { modernHeaders } from "../support/modern_post_rig.ts";
import { modern } from "../support/modern_rig.ts";
import { answer, type AnyMessage, beginSession, callTool, post } from "../support/rpc.ts";

const CHILD = [...SCRIPTED, "--record"];
const OLDER = ["--protocolVersion", "2025-03-26"];
const REVISIONS = { "2025-11-25": [], "2025-03-26": OLDER };
const SEEN = modern(1, "tools/call", { name: "seen" });
const CALLERS: Readonly<Record<string, (url: string) => Promise<Response>>> = {
  "a call of 2026-07-28": (url) => post(url, SEEN, { headers: modernHeaders(SEEN) }),
  "a call that stands alone": (url) => post(url, callTool(1, "seen")),
};

/** The revisions of all handshakes that the child of this call has heard. */
async function askedFor(response: Promise<Response>): Promise<unknown[]> {
  const { result } = await inTime(response.then(answer), "The answer");
  const { heard } = result.structuredContent;
  return heard.filter(({ method }: AnyMessage) => method === "initialize")
    .map(({ params }: AnyMessage) => params.protocolVersion);
}

for (const children of ["auto", "session", "request"]) {
  for (const [who, call] of Object.entries(CALLERS)) {
    Deno.test(`${who} is begun in the revision of --protocolVersion, with --children ${children}`, async () => {
      for (const [revision, flags] of Object.entries(REVISIONS)) {
        await using gateway = await startKeystone(["--children", children, ...flags], { server: CHILD });
        assert.deepEqual(await askedFor(call(gateway.mcp)), [revision]);
      }
    });
  }
}

Deno.test("a session is begun in the revision of its client, whatever --protocolVersion says", async () => {
  await using gateway = await startKeystone(["--stateful", ...OLDER], { server: CHILD });
  const session = await beginSession(gateway.mcp);
  assert.deepEqual(await askedFor(post(gateway.mcp, callTool(1, "seen"), { session })), ["2025-11-25"]);
});
