import assert from "node:assert/strict";
import { RemoteSession, SESSION_HEADER } from "./remote_session.ts";
import { RemoteError } from "./remote_error.ts";
import { request, result } from "../../../tests/support/messages.ts";

const introduced = new Response(null, { headers: { [SESSION_HEADER]: "s1" } });

function established(version: unknown = "2025-11-25"): RemoteSession {
  const session = new RemoteSession();
  session.asked(request(1, "initialize"));
  session.heard({ message: result(1, { protocolVersion: version }) }, introduced);
  return session;
}

Deno.test("RemoteSession repeats the id and the revision of the answer to initialize, and of no other", () => {
  const session = new RemoteSession();
  assert.deepEqual(session.headers, {});
  session.asked(request(1, "tools/list"));
  session.heard({ message: result(1, { protocolVersion: "2025-11-25" }) }, introduced);
  assert.deepEqual(session.headers, {});
  const headers = { [SESSION_HEADER]: "s1", "mcp-protocol-version": "2025-11-25" };
  assert.deepEqual(established().headers, headers);
});

Deno.test("RemoteSession has no session where its id is empty", () => {
  const session = new RemoteSession();
  session.asked(request(1, "initialize"));
  const answered = new Response(null, { headers: { [SESSION_HEADER]: "" } });
  session.heard({ message: result(1, { protocolVersion: "2025-11-25" }) }, answered);
  assert.deepEqual(session.headers, { "mcp-protocol-version": "2025-11-25" });
  assert.equal(session.end(), undefined);
});

Deno.test("RemoteSession repeats no revision that cannot be a header", () => {
  for (const version of [7, "a\nb", null]) {
    assert.deepEqual(established(version).headers, { [SESSION_HEADER]: "s1" });
  }
});

Deno.test("RemoteSession can be ended once, and lost only while there is one", () => {
  const session = established();
  const refused = new RemoteError("gone", { delivered: false, sessionRefused: true });
  assert.equal(session.isLost(new Error("another")), false);
  assert.equal(session.isLost(refused), true);
  assert.deepEqual(session.end(), { [SESSION_HEADER]: "s1", "mcp-protocol-version": "2025-11-25" });
  assert.equal(session.end(), undefined);
  assert.equal(session.isLost(refused), false);
});
