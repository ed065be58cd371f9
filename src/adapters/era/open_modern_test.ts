import assert from "node:assert/strict";
import { FakeBackend, LAUNCH } from "../../../tests/support/fake_backend.ts";
import { FarEnd, settled } from "../../../tests/support/far_end.ts";
import { notification } from "../../../tests/support/messages.ts";
import { modern } from "../../../tests/support/modern_server_rig.ts";
import { recorder } from "../../../tests/support/recorder.ts";
import { modernForOne } from "./open_modern.ts";

const LIMITS = { maxBufferedMessages: 10, maxBufferedBytes: 10_000 };
const MANY = 200;

Deno.test("modernForOne holds the server up for a client that reads slowly, and gives nobody up", async () => {
  const { emit } = recorder();
  const backend = new FakeBackend();
  const opening = modernForOne(backend, { ...LIMITS, emit }).open(LAUNCH, new AbortController().signal);
  const server = await backend.next();
  const channel = await opening;
  void channel.send({ message: modern(1, "tools/call", { progressToken: "t" }) });
  const { params } = await server.hearRequest();
  const { progressToken } = Object(params?._meta);
  for (let progress = 0; progress < MANY; progress++) {
    server.say(notification("notifications/progress", { progressToken, progress }));
  }
  await settled();
  const client = new FarEnd(channel);
  for (let progress = 0; progress < MANY; progress++) {
    const message = await client.hear();
    assert("method" in message && message.params?.progress === progress, JSON.stringify(message));
  }
});
