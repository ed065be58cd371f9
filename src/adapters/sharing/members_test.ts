import assert from "node:assert/strict";
import process from "node:process";
import { collectYoung } from "../../../tests/support/collect_young.ts";
import { Members } from "./members.ts";
import { SharedClient, type SharingKind } from "./shared_client.ts";

const LIMITS = { maxBufferedMessages: 10, maxBufferedBytes: 10_000 };
const SERVER = { send() {}, leave() {} };
const MANY = 50_000;

function client(kind: SharingKind): SharedClient {
  return new SharedClient(kind, LIMITS, SERVER);
}

Deno.test("Members knows who has a conversation, who is alone with that, and for how long nobody is there", () => {
  const members = new Members();
  const [session, request, other] = [client("session"), client("request"), client("session")];
  members.add(session);
  assert.equal(members.onlyClient, session);
  members.add(request);
  assert.equal(members.onlyClient, undefined);
  assert.deepEqual([...members.sessions()], [session]);
  assert(members.isSoleSession(session));
  members.add(other);
  assert(!members.isSoleSession(session));
  assert.deepEqual([...members.sessions()], [session, other]);
  assert(members.remove(session));
  assert(!members.remove(session));
  assert(members.isSoleSession(other));
  assert(!members.isSoleSession(request));
  members.remove(other);
  assert.equal(members.idleMs, undefined);
  members.remove(request);
  assert(members.idleMs !== undefined && members.idleMs >= 0);
});

Deno.test("Members tells all of them of the end, whoever leaves at that", () => {
  const members = new Members();
  const all = [client("session"), client("request"), client("session")];
  for (const one of all) {
    members.add(one);
    one.incoming.read(() => {}, () => all.forEach((other) => members.remove(other)));
  }
  members.failAll(new Error("it is gone"));
  assert(all.every(({ gone }) => gone));
  assert.deepEqual([...members.sessions()], []);
});

for (const kind of ["session", "request"] as const) {
  Deno.test(`Members keeps no client of a steady stream that has left: ${kind}`, () => {
    const members = new Members();
    const there: SharedClient[] = [];
    const pass = (count: number) => {
      for (let index = 0; index < count; index++) {
        const next = client(kind);
        members.add(next);
        there.push(next);
        const [oldest] = there.length > 5 ? there.splice(0, 1) : [];
        if (oldest) members.remove(oldest);
      }
      collectYoung();
      return process.memoryUsage().heapUsed;
    };
    for (let round = 0; round < 3; round++) pass(1_000);
    const before = pass(1_000);
    const kept = pass(MANY) - before;
    // One that is kept takes some 350 bytes.
    assert(kept < MANY * 100, `${kept} bytes are kept`);
  });
}
