import { fileURLToPath } from "node:url";
import { processBackend } from "../../src/backends/process/process.ts";
import { channelContract, type ChannelPair } from "./channel_contract.ts";
import { NdjsonChannel } from "./ndjson_far.ts";

const RELAY = fileURLToPath(new URL("../fixtures/relay_child.ts", import.meta.url));

/** A real child, which passes its pipes on to a socket of ours. */
async function openPair(): Promise<ChannelPair> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const backend = processBackend({
    name: "relay",
    program: Deno.execPath(),
    args: ["run", "--allow-net=127.0.0.1", RELAY, `${listener.addr.port}`],
    shell: false,
    env: {},
    maxMessageBytes: 16 * 1024 * 1024,
    stopTimeoutMs: 10_000,
    emit: () => {},
  });
  const launch = { session: "s1", args: [], env: {}, headers: {} };
  const near = await backend.open(launch, new AbortController().signal);
  const far = new NdjsonChannel(await listener.accept());
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      // At once: the relay ends when both of its ends have.
      await Promise.all([near, far].map((channel) => channel[Symbol.asyncDispose]()));
      await backend[Symbol.asyncDispose]();
    },
  };
}

channelContract("process", openPair, {
  client: "near",
  farClose: "break",
  cannot: { "is spoken to after the far close": "a child that closed its stdout is ended" },
});
