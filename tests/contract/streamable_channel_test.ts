import type { Channel } from "../../src/core/channel.ts";
import { type EventStore, memoryEventStore } from "../../src/core/event_store.ts";
import { Stopping } from "../../src/core/stopping.ts";
import type { ReplyMode } from "../../src/frontends/streamable/exchange.ts";
import { streamable } from "../../src/frontends/streamable/streamable.ts";
import { result } from "../support/messages.ts";
import { nobody } from "../support/nobody.ts";
import { looseBodies, looseUnread } from "../support/waiting_limits.ts";
import { channelContract, type ChannelPair } from "./channel_contract.ts";
import { Inbox } from "./inbox.ts";
import { pairOf, serve } from "./served_pair.ts";
import { StreamableFar } from "./streamable_far.ts";

/** A session past its handshake, with its GET stream open. */
async function openPair(replyMode: ReplyMode, events?: EventStore): Promise<ChannelPair> {
  const served = serve((accept) => {
    const handler = streamable({
      accept,
      stateful: true,
      replyMode,
      events,
      keepAliveMs: 60_000,
      sessionTimeoutMs: 60_000,
      maxBufferedMessages: 1_000,
      maxBufferedBytes: 1 << 26,
      bodies: looseBodies(),
      unread: looseUnread(),
      stopping: new Stopping(),
      emit: () => {},
    });
    return (request) => handler(request, nobody());
  });
  const far = new StreamableFar(`http://${served.authority}/mcp`);
  const [near] = await Promise.all([served.accepted.then(beginSession), far.open()]);
  return pairOf(served, near, far);
}

/** Answers `initialize` and takes notice of `notifications/initialized`. */
async function beginSession(near: Channel): Promise<Channel> {
  const inbox = new Inbox(near);
  const { message } = await inbox.next();
  if (!("id" in message) || message.id === null) throw new Error("The first message is no request");
  const { id } = message;
  await near.send({ message: result(id, { protocolVersion: "2025-11-25" }), relatesTo: id });
  await inbox.next();
  return near;
}

const store = () => memoryEventStore({ bytes: 1 << 20, events: 100, ageMs: 60_000 });

const PAIRS: Record<string, () => Promise<ChannelPair>> = {
  auto: () => openPair("auto"),
  json: () => openPair("json"),
  sse: () => openPair("sse"),
  "sse, resumable": () => openPair("sse", store()),
};

for (const [name, open] of Object.entries(PAIRS)) {
  channelContract(`streamable (${name})`, open, {
    client: "far",
    farClose: "break",
    cannot: {
      "is spoken to after the far close": "DELETE ends the session",
      "listens after its close": "a session without a server is ended",
      "holds back its sender":
        "a GET stream that nobody reads must not stop the session: its messages wait, bounded",
      "notices a far side that vanished": "a session outlives its connections, up to its time-out",
    },
  });
}
