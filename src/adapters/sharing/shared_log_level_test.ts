import assert from "node:assert/strict";
import { isRequest, type RequestId } from "../../core/message/jsonrpc.ts";
import { type FarEnd, settled } from "../../../tests/support/far_end.ts";
import { sharedServerRig } from "../../../tests/support/shared_server_rig.ts";
import { assertLinear } from "../../../tests/support/processor_time.ts";
import { cancelled, failure, notification, request, result } from "../../../tests/support/messages.ts";

const LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
const setLevel = (id: RequestId, level: unknown) => request(id, "logging/setLevel", { level });
const log = (level: unknown) => notification("notifications/message", { level, data: "x" });
const end = notification("end");

/** The id under which the server is asked for this level next. */
async function askedFor(server: FarEnd, level: unknown): Promise<RequestId> {
  const message = await server.hearRequest();
  assert.deepEqual(message, setLevel(message.id, level));
  return message.id;
}

async function heardNothing(server: FarEnd, client: FarEnd): Promise<void> {
  client.say(end);
  assert.deepEqual(await server.hear(), end);
}

/** What a client has heard when it leaves. */
async function heardBy(client: FarEnd): Promise<unknown[]> {
  await settled();
  await client.leave();
  return (await client.rest()).messages;
}

/** Sets a level that the server must be asked for. */
async function set(server: FarEnd, client: FarEnd, level: string, atServer = level): Promise<void> {
  client.say(setLevel("s", level));
  server.say(result(await askedFor(server, atServer)));
  assert.deepEqual(await client.hear(), result("s"));
}

Deno.test("SharedLogLevel sets the server to the most talkative level that is wanted, and only when it changes", async () => {
  const { server, join } = sharedServerRig();
  const [one, other] = [join(), join()];
  await set(server, one, "warning");
  for (const level of ["warning", "emergency"]) {
    other.say(setLevel(level, level));
    assert.deepEqual(await other.hear(), result(level));
  }
  await heardNothing(server, one);
  await set(server, other, "debug");
  await set(server, other, "error", "warning");
  await set(server, one, "alert", "error");
});

Deno.test("SharedLogLevel filters what the server says to each client's own level", async () => {
  const { server, join, drops } = sharedServerRig();
  const clients = LEVELS.map(() => join());
  const silent = join();
  for (const [index, client] of clients.entries()) {
    client.say(setLevel(1, LEVELS[index]));
    if (index === 0) server.say(result(await askedFor(server, "debug")));
    assert.deepEqual(await client.hear(), result(1));
  }
  server.say(...LEVELS.map(log));
  for (const [index, client] of clients.entries()) {
    assert.deepEqual(await heardBy(client), LEVELS.slice(index).map(log), LEVELS[index]);
  }
  assert.deepEqual(await heardBy(silent), []);
  assert.deepEqual(drops(), []);
});

Deno.test("SharedLogLevel gives a level that nobody knows to all who set one", async () => {
  const { server, join } = sharedServerRig();
  const [one, silent] = [join(), join()];
  await set(server, one, "emergency");
  server.say(log("chatty"), log(undefined));
  assert.deepEqual(await one.hear(), log("chatty"));
  assert.deepEqual(await one.hear(), log(undefined));
  assert.deepEqual(await heardBy(silent), []);
});

Deno.test("SharedLogLevel gives the only client everything, until it sets a level of its own", async () => {
  const { server, join } = sharedServerRig();
  const only = join();
  server.say(log("debug"));
  assert.deepEqual(await only.hear(), log("debug"));
  await set(server, only, "error");
  server.say(log("debug"), log("error"));
  assert.deepEqual(await only.hear(), log("error"));
});

Deno.test("SharedLogLevel gives a call of a party what is logged while it is the only one, and nobody else's call", async () => {
  const { server, join, drops } = sharedServerRig();
  const [one, other] = [join("session", "ann"), join("session", "ann")];
  await set(server, one, "info");
  other.say(setLevel("s", "info"));
  assert.deepEqual(await other.hear(), result("s"));
  const call = async (client: FarEnd) => {
    client.say(request(1));
    return (await server.hearRequest()).id;
  };
  const said = (data: string) => notification("notifications/message", { level: "error", data });
  server.say(said("before any"));
  await settled();
  const first = await call(one);
  server.say(said("one"), log("debug"));
  await settled();
  const second = await call(other);
  server.say(said("one or other"), result(first), said("other"), result(second), said("after all"));
  assert.deepEqual(await heardBy(one), [said("one"), result(1)]);
  assert.deepEqual(await heardBy(other), [said("other"), result(1)]);
  const nobody = "nobody can be named as the receiver of notifications/message";
  assert.deepEqual(drops(), [nobody, nobody, nobody]);
});

Deno.test("SharedLogLevel drops what nobody set a level for", async () => {
  const { server, join, drops } = sharedServerRig();
  const [one, other] = [join(), join()];
  server.say(log("emergency"));
  assert.deepEqual([await heardBy(one), await heardBy(other)], [[], []]);
  assert.deepEqual(drops(), ["nobody can be named as the receiver of notifications/message"]);
});

Deno.test("SharedLogLevel gives the server's error to the asker alone, whose level stays as it was", async () => {
  const { server, join } = sharedServerRig();
  const [one, other] = [join(), join()];
  await set(server, one, "error");
  other.say(setLevel(1, "debug"));
  server.say(failure(await askedFor(server, "debug"), "no", -32603));
  assert.deepEqual(await other.hear(), failure(1, "no", -32603));
  one.say(setLevel(1, "debug"));
  server.say(failure(await askedFor(server, "debug"), "no", -32603));
  assert.deepEqual(await one.hear(), failure(1, "no", -32603));
  server.say(log("debug"), log("error"));
  assert.deepEqual(await heardBy(one), [log("error")]);
  assert.deepEqual(await heardBy(other), []);
});

Deno.test("SharedLogLevel leaves a level that is none to the server, and then knows its level no more", async () => {
  const { server, join } = sharedServerRig();
  const client = join();
  await set(server, client, "info");
  for (const params of [{ level: "loud" }, { level: 7 }, undefined]) {
    client.say(request(1, "logging/setLevel", params));
    const asked = await server.hear();
    assert(isRequest(asked));
    assert.deepEqual(asked, request(asked.id, "logging/setLevel", params));
    server.say(failure(asked.id, "invalid", -32602));
    assert.deepEqual(await client.hear(), failure(1, "invalid", -32602));
  }
  await set(server, client, "info");
});

Deno.test("SharedLogLevel calms the server down when a talkative client leaves", async () => {
  const { server, join } = sharedServerRig();
  const [talkative, calm, silent] = [join(), join(), join()];
  await set(server, calm, "error");
  await set(server, talkative, "debug");
  await silent.leave();
  await talkative.leave();
  server.say(result(await askedFor(server, "error")));
  await calm.leave();
  const next = join();
  await heardNothing(server, next);
  // Nobody has changed it since.
  next.say(setLevel(1, "error"));
  assert.deepEqual(await next.hear(), result(1));
});

Deno.test("SharedLogLevel asks again after the server refused to calm down", async () => {
  const { server, join } = sharedServerRig();
  const [talkative, calm] = [join(), join()];
  await set(server, calm, "error");
  await set(server, talkative, "debug");
  await talkative.leave();
  server.say(failure(await askedFor(server, "error")));
  await settled();
  await set(server, calm, "error");
});

Deno.test("SharedLogLevel makes one change after the other, each with its own answer", async () => {
  const { server, join } = sharedServerRig();
  const [one, other, third] = [join(), join(), join()];
  one.say(setLevel("1", "info"));
  other.say(setLevel(1, "debug"));
  third.say(setLevel(1, "error"), cancelled(1), setLevel(2, "notice"));
  const first = await askedFor(server, "info");
  await heardNothing(server, one);
  server.say(failure(first, "not now"));
  assert.deepEqual(await one.hear(), failure("1", "not now"));
  server.say(result(await askedFor(server, "debug")));
  assert.deepEqual(await other.hear(), result(1));
  assert.deepEqual(await third.hear(), result(2));
});

Deno.test("SharedLogLevel lets no change that is never answered hold up the next, whether cancelled or left", async () => {
  for (const how of ["cancelled", "left"]) {
    const { server, join, drops } = sharedServerRig();
    const [stuck, next] = [join(), join()];
    await set(server, next, "error");
    stuck.say(setLevel(1, "debug"));
    const unanswered = await askedFor(server, "debug");
    next.say(setLevel(1, "warning"));
    if (how === "left") await stuck.leave();
    else stuck.say(cancelled(1));
    const id = await askedFor(server, "warning");
    server.say(result(unanswered), result(id));
    assert.deepEqual(await next.hear(), result(1));
    server.say(log("info"), log("warning"));
    assert.deepEqual(await heardBy(next), [log("warning")]);
    if (how === "cancelled") assert.deepEqual(await heardBy(stuck), []);
    assert.deepEqual(drops(), []);
  }
});

Deno.test("SharedLogLevel sets the server right for the others when the only change is taken back", async () => {
  const { server, join } = sharedServerRig();
  const [stuck, calm] = [join(), join()];
  await set(server, calm, "error");
  stuck.say(setLevel(1, "debug"));
  await askedFor(server, "debug");
  await stuck.leave();
  await askedFor(server, "error");
});

Deno.test("SharedLogLevel takes changes back at a cost that grows with their number alone", async () => {
  await assertLinear(12, async (size) => {
    const { join } = sharedServerRig();
    const clients = Array.from({ length: size }, () => join());
    for (const client of clients) for (let id = 0; id < 990; id++) client.say(setLevel(id, "info"));
    await settled();
    return async () => {
      for (const client of clients.reverse()) await client.leave();
    };
  });
});
