import { websocket } from "../../src/frontends/websocket.ts";
import { nobody } from "../support/nobody.ts";
import { looseBodies, looseUnread, MAX_BODY_BYTES } from "../support/waiting_limits.ts";
import { channelContract, type ChannelPair } from "./channel_contract.ts";
import { pairOf, serveSockets } from "./served_pair.ts";
import { WebSocketFar } from "./websocket_far.ts";

async function openPair(): Promise<ChannelPair> {
  const served = serveSockets((accept) => {
    const handler = websocket({
      accept,
      keepAliveMs: 60_000,
      maxBufferedMessages: 2_000,
      maxBufferedBytes: 1 << 26,
      maxBodyBytes: MAX_BODY_BYTES,
      bodies: looseBodies(),
      unread: looseUnread(),
      emit: () => {},
    });
    return (request) => handler(request, nobody());
  });
  const far = await WebSocketFar.open(`ws://${served.authority}/ws`);
  return pairOf(served, await served.accepted, far);
}

channelContract("websocket", openPair, {
  client: "far",
  farClose: "break",
  cannot: {
    "is spoken to after the far close": "a WebSocket closes both ways",
    "listens after its close": "a WebSocket closes both ways",
    "holds back the far side": "a WebSocket cannot be told to pause, a client that sends too much is closed",
  },
});
