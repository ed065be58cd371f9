import assert from "node:assert/strict";
import { FarEnd, settled } from "../../tests/support/far_end.ts";
import { failure, request, result } from "../../tests/support/messages.ts";
import { modern } from "../../tests/support/modern_rig.ts";
import { PLACEMENT } from "../../tests/support/placement_config.ts";
import { recorder } from "../../tests/support/recorder.ts";
import type { Backend, Launch, LaunchSettings, Peer } from "../core/backend.ts";
import { type Channel, memoryChannels } from "../core/channel.ts";
import { LiveSessions } from "../core/live_sessions.ts";
import { MetaKey } from "../core/mcp/request_meta.ts";
import { isRequest, type JsonRpcRequest } from "../core/message/jsonrpc.ts";
import type { PlacementConfig } from "./config.ts";
import { Placement } from "./placement.ts";

const SIGNAL = new AbortController().signal;
const VERBOSE: LaunchSettings = { args: ["-v"], env: {}, headers: {} };
const PLAIN: LaunchSettings = { args: [], env: {}, headers: {} };
const ANN = { name: "ann" };
const BOB = { name: "bob" };

type Speaks = "legacy" | "modern" | "dual";

/** Servers that answer each request with what they are called. */
class Upstream implements Backend {
  readonly name = "upstream";
  readonly launches: Launch[] = [];
  /** How many run, and how many have run at the same time. */
  running = 0;
  most = 0;
  speaks: Speaks;
  /** What they have been asked, by the name of each. */
  readonly asked: string[] = [];
  /** They answer under texts in place of numbers. */
  renames = false;
  /** They end as soon as they are asked anything. */
  breaks = false;
  /** Settles before a server answers what it speaks. */
  answering: Promise<void> = Promise.resolve();

  constructor(speaks: Speaks) {
    this.speaks = speaks;
  }

  get labels(): string[] {
    return this.launches.map(({ session }) => session);
  }

  open(launch: Launch): Promise<Channel> {
    const [server, near] = memoryChannels();
    this.launches.push(launch);
    this.most = Math.max(this.most, ++this.running);
    let disposed = false;
    const dispose = near[Symbol.asyncDispose].bind(near);
    near[Symbol.asyncDispose] = () => {
      if (!disposed) this.running--;
      disposed = true;
      return dispose();
    };
    server.incoming.read(async ({ message }) => {
      if (!isRequest(message)) return;
      this.asked.push(`${launch.session} ${message.method}`);
      if (this.breaks) return void server[Symbol.asyncDispose]();
      if (message.method === "server/discover") await this.answering;
      void server.send({ message: this.#answer(message, launch) });
    }, () => {});
    return Promise.resolve(near);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #answer({ id: askedId, method, params }: JsonRpcRequest, { session }: Launch) {
    const id = this.renames ? `${askedId}` : askedId;
    const own = params?._meta !== undefined;
    switch (method) {
      case "server/discover": {
        const supportedVersions = this.speaks === "dual" ? ["2026-07-28", "2025-11-25"] : ["2026-07-28"];
        return this.speaks === "legacy"
          ? failure(id, "Method not found", -32601)
          : result(id, { resultType: "complete", supportedVersions, capabilities: { tools: {} } });
      }
      case "initialize":
        return this.speaks === "modern"
          ? failure(id, "no handshakes here")
          : result(id, { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: {} });
      default:
        return result(id, { content: [], by: session, ...own && { resultType: "complete" } });
    }
  }
}

function rig(speaks: Speaks, config: Partial<PlacementConfig> = {}) {
  const record = recorder();
  const backend = new Upstream(speaks);
  const settings: PlacementConfig = { ...PLACEMENT, ...config };
  const sessions = new LiveSessions(settings);
  const upstream = { backend, spawns: true, kill: () => {} };
  const placement = new Placement(settings, { upstream, version: "1.0.0", sessions, emit: record.emit });
  placement.start();
  let count = 0;
  const open = async (peer: Partial<Peer>) => {
    const session = `r${++count}`;
    const full: Peer = { session, wire: "streamableHttp", scope: "request", ...peer };
    const { backend: answering, backlog } = placement.serverFor(full);
    const owner = peer.principal?.name;
    const launch: Launch = {
      ...{ session, ...peer.launch ?? PLAIN, backlog },
      ...peer.era && { era: peer.era, owner, party: owner ?? session },
    };
    return await answering.open(launch, SIGNAL);
  };
  return {
    ...record,
    ...{ placement, backend, open },
    eras: () => record.told("server.era").map(({ era }) => era),
    /** A call of 2026-07-28; gives the name of the server that has answered it. */
    async call(peer: Partial<Peer> = {}): Promise<unknown> {
      const channel = await open({ era: "modern", ...peer });
      const client = new FarEnd(channel);
      client.say(modern(1, "tools/call", { name: "echo" }));
      const by = await answered(client);
      await channel[Symbol.asyncDispose]();
      return by;
    },
    /** A session of a client with a handshake, and who answers its call. */
    async session(peer: Partial<Peer> = {}) {
      const channel = await open({ scope: "session", wire: "websocket", ...peer });
      const client = new FarEnd(channel);
      const clientInfo = { name: "c", version: "1" };
      client.say(request(0, "initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo }));
      const message = await client.hear();
      assert("result" in message, JSON.stringify(message));
      client.say(request(1, "tools/call", { name: "echo" }));
      return { by: await answered(client), leave: () => channel[Symbol.asyncDispose]() };
    },
  };
}

async function answered(client: FarEnd): Promise<unknown> {
  const message = await client.hear();
  assert(
    "result" in message && typeof message.result === "object" && message.result,
    JSON.stringify(message),
  );
  return Reflect.get(message.result, "by");
}

type Mode = PlacementConfig["children"];

/** Who answers calls of nobody, ann, ann, bob, and two of somebody who starts it in another way. */
async function answerers({ call }: ReturnType<typeof rig>): Promise<unknown[]> {
  return [
    await call(),
    await call(),
    await call({ principal: ANN }),
    await call({ principal: ANN }),
    await call({ principal: BOB }),
    await call({ launch: VERBOSE }),
    await call({ launch: { ...VERBOSE } }),
  ];
}

const EACH_ITS_OWN = ["r1", "r2", "r3", "r4", "r5", "r6", "r7"];
const BY_PRINCIPAL = ["", "", ":ann", ":ann", ":bob", "#1", "#1"];
const SHARED = ["", "", "", "", "", "#1", "#1"];

const MODES: Record<Mode, readonly string[]> = {
  auto: BY_PRINCIPAL.map((name) => `modern${name}`),
  principal: BY_PRINCIPAL.map((name) => `modern${name}`),
  shared: SHARED.map((name) => `modern${name}`),
  session: EACH_ITS_OWN,
  request: EACH_ITS_OWN,
};

/** Where a server may ask its clients something, those of sessions can be shared with others. */
const LEGACY_MODES: Record<Mode, readonly string[]> = {
  ...MODES,
  principal: BY_PRINCIPAL.map((name) => `shared${name}`),
  shared: SHARED.map((name) => `shared${name}`),
};

for (const children of ["auto", "principal", "shared", "session", "request"] as const) {
  Deno.test(`Placement has modern servers for modern clients (--children ${children})`, async () => {
    const it = rig("modern", { children, serverEra: "modern" });
    await using _ = it.placement;
    assert.deepEqual(await answerers(it), MODES[children]);
    assert.deepEqual(it.backend.labels, [...new Set(MODES[children])]);
    assert(it.backend.launches.every(({ era }) => era === "modern"));
    assert(it.backend.asked.every((asked) => asked.endsWith(" tools/call")));
  });

  Deno.test(`Placement has legacy servers spoken to for modern clients (--children ${children})`, async () => {
    const it = rig("legacy", { children, serverEra: "legacy" });
    await using _ = it.placement;
    assert.deepEqual(await answerers(it), LEGACY_MODES[children]);
    assert.deepEqual(it.backend.labels, [...new Set(LEGACY_MODES[children])]);
    assert(it.backend.launches.every(({ era }) => era !== "modern"));
  });

  Deno.test(`Placement has legacy servers of their own for modern clients where there are no sessions (--children ${children})`, async () => {
    const it = rig("legacy", { children, serverEra: "legacy", transports: ["streamableHttp"] });
    await using _ = it.placement;
    assert.deepEqual(await answerers(it), MODES[children]);
  });

  for (const speaks of ["legacy", "modern", "dual"] as const) {
    Deno.test(`Placement finds out once that a server is ${speaks}, whoever comes first (--children ${children})`, async () => {
      for (const first of ["call", "session"] as const) {
        const it = rig(speaks, { children });
        await using _ = it.placement;
        if (first === "call") await Promise.all([it.call(), it.call({ principal: ANN })]);
        const session = await it.session();
        await it.call();
        await session.leave();
        await (await it.session()).leave();
        const asked = it.backend.asked.filter((asked) => asked === "era server/discover");
        assert.deepEqual([first, asked.length], [first, 1]);
        assert.deepEqual(it.eras(), [speaks === "legacy" ? "legacy" : "modern"]);
        const opened = it.backend.launches.filter(({ session }) => session !== "era");
        const spokenTo = new Map(Map.groupBy(opened, ({ era }) => era === "modern"));
        if (speaks === "legacy") assert.deepEqual([...spokenTo.keys()], [false]);
        // A handshake was tried once.
        if (speaks === "modern") assert.equal(spokenTo.get(false)?.length, 1);
      }
    });
  }

  Deno.test(`Placement has both kinds of clients at a server with one place for it (--children ${children})`, async () => {
    for (const speaks of ["legacy", "modern"] as const) {
      for (const first of ["call", "session"] as const) {
        const it = rig(speaks, { children, maxChildren: 1, evictAfterMs: 0, queueTimeoutMs: 2_000 });
        await using _ = it.placement;
        for (const turn of first === "call" ? ["call", "session", "call"] : ["session", "call", "session"]) {
          if (turn === "call") await it.call();
          else await (await it.session()).leave();
        }
        // The one that was asked what it speaks needs no place, since who asks may have the last one.
        assert(it.backend.most <= 2, `${it.backend.most}`);
      }
    }
  });
}

Deno.test("Placement knows whose answer it is that a modern server gives under an id of another type", async () => {
  for (const children of ["shared", "request"] as const) {
    const it = rig("modern", { children, serverEra: "modern" });
    await using _ = it.placement;
    it.backend.renames = true;
    assert.equal(await it.call(), children === "shared" ? "modern" : "r1");
    assert.match(it.told("server.odd").map(({ reason }) => reason).join(), /ids of another type/);
  }
});

Deno.test("Placement lets nothing through to a modern server that is not of its era, on whichever connection", async () => {
  for (const children of ["shared", "session", "request"] as const) {
    const it = rig("dual", { children, serverEra: "modern" });
    await using _ = it.placement;
    const channel = await it.open({ era: "modern", scope: "session", wire: "websocket" });
    const client = new FarEnd(channel);
    client.say(modern(0, "tools/call", { name: "echo" }));
    await client.hear();
    const foreign = {
      "-32602": request(1, "tools/list"),
      "-32022": modern(2, "tools/list", { _meta: { [MetaKey.revision]: "2099-01-01" } }),
      "-32601": modern(3, "initialize"),
    };
    for (const [code, message] of Object.entries(foreign)) {
      client.say(message);
      const told = await client.hear();
      assert("error" in told);
      assert.equal(`${told.error.code}`, code, children);
    }
    await channel[Symbol.asyncDispose]();
    assert.equal(it.backend.asked.length, 1);
  }
});

Deno.test("Placement gives a server back that was for one request alone", async () => {
  for (const children of ["session", "request"] as const) {
    for (const speaks of ["legacy", "modern"] as const) {
      const it = rig(speaks, { children, serverEra: speaks });
      await using _ = it.placement;
      await it.call();
      await settled();
      assert.equal(it.backend.running, 0, `${children} ${speaks}`);
    }
  }
});

Deno.test("Placement starts as many servers ahead as it is to, whoever they are for", async () => {
  for (const children of ["auto", "session", "request"] as const) {
    for (const transports of [["streamableHttp"], ["ws"]] as const) {
      for (const serverEra of ["auto", "legacy", "modern"] as const) {
        const it = rig("legacy", { children, serverEra, transports: [...transports], prewarm: 2 });
        await using _ = it.placement;
        for (let turn = 0; turn < 5; turn++) await settled();
        // One server is enough for all where it is shared.
        const wanted = children === "auto" && transports[0] === "streamableHttp" ? 1 : 2;
        if (serverEra !== "modern") {
          assert.equal(it.backend.running, wanted, `${children} ${transports} ${serverEra}`);
        }
      }
    }
  }
});

Deno.test("Placement has what waits for modern servers count together where they share one, and apart where not", async () => {
  for (const serverEra of ["legacy", "modern", "auto"] as const) {
    const shared = rig("modern", { serverEra });
    await using _ = shared.placement;
    const backlogOf = ({ placement }: ReturnType<typeof rig>, session: string, launch?: LaunchSettings) =>
      placement.serverFor({ session, wire: "streamableHttp", scope: "request", era: "modern", launch })
        .backlog;
    assert.equal(backlogOf(shared, "a"), backlogOf(shared, "b"));
    assert.notEqual(backlogOf(shared, "a"), backlogOf(shared, "b", VERBOSE));
    const apart = rig("modern", { serverEra, children: "session" });
    await using __ = apart.placement;
    assert.notEqual(backlogOf(apart, "a"), backlogOf(apart, "b"));
  }
});

Deno.test("Placement ends what it is finding out, and frees what it has opened for that", async () => {
  const it = rig("modern");
  it.backend.answering = new Promise(() => {});
  const call = assert.rejects(it.call());
  while (it.backend.asked.length === 0) await settled();
  await it.placement[Symbol.asyncDispose]();
  await call;
  await settled();
  assert.equal(it.backend.running, 0);
});

Deno.test("Placement learns that a server is modern which had ended when it was asked", async () => {
  const it = rig("modern");
  await using _ = it.placement;
  it.backend.breaks = true;
  await assert.rejects(it.call());
  it.backend.breaks = false;
  // Its handshake is refused, and it is asked once more.
  assert.equal(await it.call(), "modern");
  assert.equal(await it.call(), "modern");
  assert.deepEqual(it.eras(), ["modern"]);
});

Deno.test("Placement does not start a server for each client that cannot be started", async () => {
  const it = rig("legacy");
  await using _ = it.placement;
  it.backend.breaks = true;
  for (let client = 0; client < 50; client++) await assert.rejects(it.call());
  // As many as the guard lets be tried, and the one that was asked.
  assert(it.backend.launches.length <= 10, `${it.backend.launches.length}`);
});
