import assert from "node:assert/strict";
import type { Peer } from "../core/backend.ts";
import { nobody, somebody } from "../../tests/support/nobody.ts";
import { SessionDirectory } from "./session_directory.ts";

const PEER: Peer = { session: "s1", wire: "sse", scope: "session" };

Deno.test("SessionDirectory keeps the session that has an id by now when the last one that had it ends late", () => {
  const sessions = new SessionDirectory();
  const [first, second] = [{ id: "mine", peer: PEER }, { id: "mine", peer: PEER }];
  sessions.add(first);
  sessions.delete(first);
  sessions.add(second);
  sessions.delete(first);
  assert.equal(sessions.find("mine", nobody()), second);
  sessions.delete(second);
  assert.equal(sessions.find("mine", nobody()), undefined);
});

Deno.test("SessionDirectory finds a session for its principal alone, and knows of others that their id is taken", () => {
  const sessions = new SessionDirectory();
  const session = { id: "mine", peer: { ...PEER, principal: { name: "ann" } } };
  sessions.add(session);
  assert.equal(sessions.find("mine", somebody("ann")), session);
  for (const caller of [nobody(), somebody("bob")]) {
    assert.equal(sessions.find("mine", caller), undefined);
    assert.throws(() => sessions.require("mine", caller), { status: 404 });
  }
  assert.equal(sessions.has("mine"), true);
  assert.equal(sessions.has("yours"), false);
});
