import { withHeartbeat } from "../../src/adapters/heartbeat.ts";
import { memoryChannels } from "../../src/core/channel.ts";
import { channelContract } from "./channel_contract.ts";

channelContract("heartbeat", () => {
  const [inner, far] = memoryChannels();
  const near = withHeartbeat(inner, { everyMs: 60_000 });
  return Promise.resolve({
    near,
    far,
    async [Symbol.asyncDispose]() {
      await near[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
    },
  });
}, { client: "far", farClose: "end" });
