import { Stopping } from "../../src/core/stopping.ts";
import { sse } from "../../src/frontends/sse.ts";
import { nobody } from "../support/nobody.ts";
import { looseBodies, looseUnread } from "../support/waiting_limits.ts";
import { channelContract, type ChannelPair } from "./channel_contract.ts";
import { pairOf, serve } from "./served_pair.ts";
import { SseFar } from "./sse_far.ts";

async function openPair(): Promise<ChannelPair> {
  const served = serve((accept) => {
    const { connect, message } = sse({
      accept,
      publicBase: () => "",
      keepAliveMs: 60_000,
      maxBufferedMessages: 1_000,
      maxBufferedBytes: 1 << 26,
      bodies: looseBodies(),
      unread: looseUnread(),
      stopping: new Stopping(),
    })({ ssePath: "/sse", messagePath: "/message" });
    return (request) => (new URL(request.url).pathname === "/sse" ? connect : message)(request, nobody());
  });
  const far = await SseFar.open(`http://${served.authority}/sse`);
  return pairOf(served, await served.accepted, far);
}

channelContract("sse", openPair, {
  client: "far",
  farClose: "break",
  cannot: {
    "listens after its close": "the session ends with its event stream",
    "is spoken to after the far close": "a client that closed its event stream can be told nothing",
  },
});
