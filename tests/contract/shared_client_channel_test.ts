import { SharedServer } from "../../src/adapters/sharing/shared_server.ts";
import { memoryChannels } from "../../src/core/channel.ts";
import { request, result } from "../support/messages.ts";
import { channelContract, type ChannelPair } from "./channel_contract.ts";
import { Inbox } from "./inbox.ts";
import { SUBSCRIPTIONS } from "../support/limits.ts";

/** The channel of one client; the far side is the server that it shares. */
async function openPair(): Promise<ChannelPair> {
  const [server, far] = memoryChannels();
  const shared = new SharedServer({
    server,
    incoming: server.incoming,
    initialized: { message: result(0) },
    versions: [],
    maxBufferedMessages: 2_000,
    maxBufferedBytes: 1 << 26,
    ...SUBSCRIPTIONS,
    session: "shared",
    emit: () => {},
  });
  const near = shared.join("session");
  // What a server says by itself reaches the client whose request is the only open one.
  await near.send({ message: request("held") });
  await new Inbox(far).next();
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      await near[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
      await shared.ended;
    },
  };
}

channelContract("shared client", openPair, {
  client: "near",
  farClose: "break",
  cannot: {
    "keeps text": "ids are rewritten, so the text is not the same",
    "is spoken to after the far close": "a server that closed its side is replaced",
    "tells the far side of its close": "the server serves others, too",
    "holds back the far side": "one slow client must not hold up the others, it is given up",
  },
});
