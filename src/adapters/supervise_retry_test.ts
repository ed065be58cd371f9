import assert from "node:assert/strict";
import type { Undelivered } from "../core/channel.ts";
import { BackendError, DisconnectedError } from "../core/errors.ts";
import { FakeBackend, type FakeServer } from "../../tests/support/fake_backend.ts";
import { settled } from "../../tests/support/far_end.ts";
import { failure, notification, request, result } from "../../tests/support/messages.ts";
import {
  askedDuringReplay,
  established,
  INITIALIZE,
  INITIALIZED,
  replayed,
  superviseRig,
} from "../../tests/support/supervise_rig.ts";

const NEVER = { attempts: 3, firstDelayMs: 1e9, maxDelayMs: 1e9 };

Deno.test("supervise sends again what never reached the server, up to the limit, and then gives the error", async () => {
  await using rig = await superviseRig();
  const server = await established(rig);
  rig.client.say(request(1));
  for (let sent = 0; sent < 4; sent++) {
    assert.deepEqual(await server.hear(), request(1));
    server.turnAway(1);
  }
  assert.deepEqual(await rig.client.hear(), failure(1, "not reached"));
  assert.match(rig.troubles()[0] ?? "", /^not reached; the request is sent again in \d+ ms$/);
  assert.equal(rig.troubles().at(-1), "not reached; the request is given up after 4 tries");
  assert.equal(rig.troubles().length, 4);
});

Deno.test("supervise sends again only what waiting can mend", async () => {
  await using rig = await superviseRig();
  const server = await established(rig);
  const verdicts: [Undelivered, boolean][] = [
    [{ again: "later" }, true],
    [{ again: "later", why: "busy" }, true],
    [{ again: "later", why: "foreign" }, false],
    [{ again: "later", why: "redirected" }, false],
    [{ again: "never" }, false],
    [{ again: "never", why: "foreign" }, false],
  ];
  for (const [verdict, sentAgain] of verdicts) {
    const key = JSON.stringify(verdict);
    rig.client.say(request(key));
    await server.hear();
    server.turnAway(key, verdict);
    if (sentAgain) {
      await server.accept("tools/call");
      assert.deepEqual(await rig.client.hear(), result(key));
    } else {
      assert.deepEqual(await rig.client.hear(), failure(key, "not reached"));
    }
  }
});

Deno.test("supervise tries once what stays as it is, and what it plays again too", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  rig.client.say(request(1));
  await first.hear();
  first.turnAway(1, { again: "never" });
  assert.deepEqual(await rig.client.hear(), failure(1, "not reached"));
  assert.deepEqual(rig.troubles(), []);
  await first.leave();
  const second = await rig.backend.next();
  const asked = await second.hear();
  assert("id" in asked && asked.id !== undefined && asked.id !== null);
  second.turnAway(asked.id, { again: "never" });
  await settled();
  assert.match(rig.troubles().at(-1) ?? "", /^gave up until the next request: not reached$/);
  assert.equal(rig.backend.attempts, 2);
});

Deno.test("supervise waits as long as the server asks, and no longer than the longest pause", async () => {
  await using rig = await superviseRig({ retry: { attempts: 3, firstDelayMs: 1e9, maxDelayMs: 30 } });
  const server = await established(rig);
  for (const [asked, waited] of [[0, 0], [10, 10], [1e9, 30]] as const) {
    rig.client.say(request(asked));
    await server.hear();
    server.turnAway(asked, { again: "later", afterMs: asked });
    await server.accept("tools/call");
    await rig.client.hear();
    assert.match(rig.troubles().at(-1) ?? "", new RegExp(`sent again in ${waited} ms$`));
  }
});

Deno.test("supervise sends a request again in a new session when the old one was lost before it came", async () => {
  await using rig = await superviseRig({ retry: { ...NEVER, attempts: 1 } });
  const first = await established(rig);
  rig.client.say(request(1), request(2));
  await first.hear();
  await first.hear();
  first.turnAway(1, { again: "now" });
  const second = await replayed(rig.backend);
  assert.deepEqual(await second.hear(), request(1));
  await first.leave();
  // The other one may have been taken.
  assert.deepEqual(
    await rig.client.hear(),
    failure(2, "The other end is gone: the answer is lost, and the request was not sent again", -32603),
  );
  second.say(result(1));
  assert.deepEqual(await rig.client.hear(), result(1));
});

Deno.test("supervise gives a request to the next connection when its own breaks at send", async () => {
  await using rig = await superviseRig();
  const first = await established(rig);
  first.near.send = () => {
    throw new DisconnectedError("broken");
  };
  rig.client.say(request(1), notification("notifications/roots/list_changed"));
  const second = await replayed(rig.backend);
  assert.deepEqual(await second.hear(), request(1));
  assert.deepEqual(await second.hear(), notification("notifications/roots/list_changed"));
});

Deno.test("supervise gives up a request whose every connection breaks at send", async () => {
  const backend = new FakeBackend();
  await using rig = await superviseRig({ backend });
  const open = backend.open.bind(backend);
  backend.open = async (launch, signal) => {
    const channel = await open(launch, signal);
    channel.send = () => {
      throw new DisconnectedError("broken");
    };
    return channel;
  };
  rig.client.say(request(1));
  assert.deepEqual(await rig.client.hear(), failure(1, "broken", -32603));
  assert.equal(backend.attempts, 4);
});

Deno.test("supervise tries to connect until the attempts are used up, and again with the next request", async () => {
  let down = true;
  const backend = new FakeBackend(() => {
    if (down) throw new BackendError("down");
  });
  await using rig = await superviseRig({ backend });
  rig.client.say(INITIALIZE);
  assert.deepEqual(await rig.client.hear(), failure("init", "down", -32603));
  assert.equal(backend.attempts, 4);
  assert.deepEqual(rig.troubles().slice(3), ["gave up after 4 tries until the next request: down"]);
  down = false;
  rig.client.say(INITIALIZE);
  await (await backend.next()).accept("initialize");
  assert.deepEqual(await rig.client.hear(), result("init"));
});

Deno.test("supervise does not try again what trying cannot mend", async () => {
  const backend = new FakeBackend(() => {
    throw new BackendError("not allowed", { permanent: true });
  });
  await using rig = await superviseRig({ backend, retry: NEVER });
  rig.client.say(request(1), request(2));
  assert.deepEqual(await rig.client.hear(), failure(1, "not allowed", -32603));
  assert.deepEqual(await rig.client.hear(), failure(2, "not allowed", -32603));
  assert.equal(backend.attempts, 1);
  assert.deepEqual(rig.troubles(), ["gave up until the next request: not allowed"]);
});

Deno.test("supervise tries again as late as a server asks that could not be reached", async () => {
  const retry = { attempts: 1, firstDelayMs: 0, maxDelayMs: 50 };
  for (const [retryAfterMs, waited] of [[20, 20], [1e9, 50]] as const) {
    const backend = new FakeBackend((attempt) => {
      if (attempt === 1) throw new BackendError("busy", { retryAfterMs });
    });
    await using rig = await superviseRig({ backend, retry });
    rig.client.say(INITIALIZE);
    await (await backend.next()).accept("initialize");
    assert.deepEqual(rig.troubles(), [`busy; next try in ${waited} ms`]);
  }
});

Deno.test("supervise gives up a server that breaks every connection at once, until the next request", async () => {
  await using rig = await superviseRig();
  let server = await established(rig);
  for (let breaks = 0; breaks < 5; breaks++) {
    server.say(notification("notifications/message"));
    await server.leave();
    if (breaks < 4) server = await replayed(rig.backend);
  }
  await settled();
  assert.match(rig.troubles().at(-1) ?? "", /^gave up until the next request: /);
  const { attempts } = rig.backend;
  rig.client.say(request(1));
  server = await replayed(rig.backend);
  assert.deepEqual([await server.hear(), rig.backend.attempts], [request(1), attempts + 1]);
});

Deno.test("supervise keeps mending a server whose connections are of use", async () => {
  await using rig = await superviseRig();
  let server: FakeServer = await established(rig);
  for (let id = 0; id < 20; id++) {
    rig.client.say(request(id));
    await server.accept("tools/call");
    assert.deepEqual(await rig.client.hear(), result(id));
    await server.leave();
    server = await replayed(rig.backend);
  }
});

Deno.test("supervise gives up a server that never answers the handshake that is played to it", async () => {
  await using rig = await superviseRig({ replayTimeoutMs: 20, retry: { ...NEVER, attempts: 3 } });
  await (await established(rig)).leave();
  const silent = await rig.backend.next();
  rig.client.say(request(1));
  assert.deepEqual(
    await rig.client.hear(),
    failure(1, "The MCP server did not answer the handshake within 20ms (--startTimeout)", -32001),
  );
  assert.equal(silent.disposed, true);
});

Deno.test("supervise takes back what a server asked that ended while the handshake was played again", async () => {
  await using rig = await superviseRig({ retry: { attempts: 0, firstDelayMs: 0, maxDelayMs: 0 } });
  const server = await askedDuringReplay(rig);
  await server.leave();
  const taken = await rig.client.hear();
  assert("method" in taken && taken.params?.requestId === "roots", JSON.stringify(taken));
});

Deno.test("supervise settles its dispose soon during a pause, a connect and a handshake", async () => {
  const pausing = new FakeBackend(() => {
    throw new BackendError("down");
  });
  const connecting = new FakeBackend((_, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  );
  for (const backend of [pausing, connecting]) {
    await using rig = await superviseRig({ backend, retry: NEVER });
    rig.client.say(INITIALIZE, INITIALIZED);
    await settled();
    await rig.channel[Symbol.asyncDispose]();
    assert.deepEqual([backend.attempts, await rig.client.rest()], [1, { messages: [], error: undefined }]);
  }
  await using rig = await superviseRig();
  await (await established(rig)).leave();
  const silent = await rig.backend.next();
  await silent.hear();
  await rig.channel[Symbol.asyncDispose]();
  assert.equal(silent.disposed, true);
});
