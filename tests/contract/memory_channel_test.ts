import { memoryChannels } from "../../src/core/channel.ts";
import { channelContract } from "./channel_contract.ts";

channelContract("memory", () => {
  const [near, far] = memoryChannels();
  return Promise.resolve({
    near,
    far,
    async [Symbol.asyncDispose]() {
      await near[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
    },
  });
}, { client: "near", farClose: "end" });
