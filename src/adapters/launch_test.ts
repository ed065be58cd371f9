import assert from "node:assert/strict";
import type { Backend, Launch } from "../core/backend.ts";
import { FakeBackend, LAUNCH } from "../../tests/support/fake_backend.ts";
import { REMEMBERED, SUBSCRIPTIONS } from "../../tests/support/limits.ts";
import { request } from "../../tests/support/messages.ts";
import { withAnswerNames } from "./answer_names.ts";
import { CrashGuard } from "./crash_guard.ts";
import { guardOpen } from "./guard_open.ts";
import { forOneClient } from "./sharing/open_shared.ts";
import { supervise } from "./supervise.ts";

const OTHER: Launch = { ...LAUNCH, args: ["--verbose"], env: { KEY: "v" }, headers: { "x-key": "v" } };
const emit = () => {};

const AROUND: Record<string, (backend: Backend) => Backend> = {
  guardOpen: (backend) => guardOpen(backend, new CrashGuard({ limit: 1, windowMs: 1, probeMs: 1 })),
  withAnswerNames: (backend) => withAnswerNames(backend, { shared: false, emit }),
  forOneClient: (backend) =>
    forOneClient(backend, {
      ...SUBSCRIPTIONS,
      protocolVersion: "2025-11-25",
      versions: ["2025-11-25"],
      clientInfo: { name: "keystone", version: "1.0.0" },
      timeoutMs: 60_000,
      maxBufferedMessages: 10,
      maxBufferedBytes: 1_000,
      emit,
    }),
  supervise: (backend) => {
    const retry = { attempts: 0, firstDelayMs: 0, maxDelayMs: 0 };
    return supervise(backend, {
      retry,
      replayTimeoutMs: 1_000,
      maxBufferedBytes: 1_000,
      remembers: REMEMBERED,
      emit,
    });
  },
};

for (const [name, around] of Object.entries(AROUND)) {
  Deno.test(`${name} opens its server with the launch that it was given`, async () => {
    const backend = new FakeBackend();
    const opening = around(backend).open(OTHER, new AbortController().signal);
    if (name === "forOneClient") {
      const result = {
        protocolVersion: "2025-11-25",
        capabilities: {},
        serverInfo: { name: "x", version: "1" },
      };
      await (await backend.next()).accept("initialize", result);
    }
    await using channel = await opening;
    void channel.send({ message: request(1) });
    if (backend.launches.length === 0) await backend.next();
    assert.deepEqual(backend.launches, [OTHER]);
  });
}
