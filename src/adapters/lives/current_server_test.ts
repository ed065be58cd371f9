import assert from "node:assert/strict";
import { InTurn } from "../../base/in_turn.ts";
import { memoryChannels } from "../../core/channel.ts";
import { DisconnectedError } from "../../core/errors.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { CurrentServer } from "./current_server.ts";
import type { Life } from "./life.ts";

function lifeOf(): Life {
  const [server] = memoryChannels();
  const messages = new InTurn(server.incoming);
  return { server, messages, since: 0, answered: false, replaced: false };
}

Deno.test("CurrentServer has one request of all who want a server, which is that of the first, and unasked if one is", async () => {
  const current = new CurrentServer();
  const first = current.connect({ replays: false });
  const request = current.requestConnect({ replays: true, unasked: true });
  assert.deepEqual([request.replays, request.unasked], [false, true]);
  assert.equal(await current.nextRequest(), request);
  const life = lifeOf();
  current.fulfil(life);
  await first;
  assert.deepEqual([current.server, current.pending], [life.server, undefined]);
});

Deno.test("CurrentServer gives a request as soon as there is one", async () => {
  const current = new CurrentServer();
  const next = current.nextRequest();
  await settled();
  const request = current.requestConnect({ replays: true });
  assert.equal(await next, request);
});

Deno.test("CurrentServer tells everybody why there is no server, and has another request for who comes later", async () => {
  const current = new CurrentServer();
  const connecting = [current.connect({ replays: true }), current.connect({ replays: true })];
  current.refuse(new Error("down"));
  for (const one of connecting) await assert.rejects(one, /down/);
  assert.equal(current.pending, undefined);
});

Deno.test("CurrentServer drops the server of the moment and no other, and says when it is left", async () => {
  const current = new CurrentServer();
  await current.left;
  const [older, life] = [lifeOf(), lifeOf()];
  current.fulfil(life);
  let left = false;
  void current.left.then(() => left = true);
  current.drop(older.server);
  await settled();
  assert.deepEqual([current.server, left], [life.server, false]);
  current.drop(life.server);
  await settled();
  assert.deepEqual([current.server, left], [undefined, true]);
});

Deno.test("CurrentServer refuses the pending request when nobody may have one any more", async () => {
  for (const waits of [true, false]) {
    const current = new CurrentServer();
    const next = waits ? current.nextRequest() : undefined;
    const connecting = waits ? undefined : current.connect({ replays: true });
    const rejected = connecting && assert.rejects(connecting, DisconnectedError);
    const stopped = current.stop();
    assert.equal(await (next ?? current.nextRequest()), undefined);
    await stopped;
    await rejected;
  }
});
