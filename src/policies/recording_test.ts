import assert from "node:assert/strict";
import { request } from "../../tests/support/messages.ts";
import { nobody } from "../../tests/support/nobody.ts";
import { recorder } from "../../tests/support/recorder.ts";
import type { Openness } from "../core/caller.ts";
import { BusyError } from "../core/errors.ts";
import type { JsonRpcRequest } from "../core/message/jsonrpc.ts";
import { refuseUnrecorded, toolArguments } from "./recording.ts";

Deno.test("refuseUnrecorded refuses while there is a reason, but what is open to all", () => {
  const error = new BusyError("Not now");
  let isTrouble = false;
  const policy = refuseUnrecorded(() => isTrouble ? error : undefined);
  const answer = new Response();
  const ask = (openness?: Openness) => {
    const caller = nobody();
    caller.foundOpen(openness);
    return policy<Response>(new Request("http://127.0.0.1/mcp"), caller, () => answer);
  };
  assert.equal(ask(), answer);
  isTrouble = true;
  assert.throws(() => ask(), error);
  assert.equal(ask("probes"), answer);
});

Deno.test("toolArguments tells what a tool is called with, and passes everything on", () => {
  const { emit, told } = recorder();
  const policy = toolArguments(emit);
  let passed = 0;
  const pass = (message: JsonRpcRequest, direction: "up" | "down" = "up") =>
    policy(
      { peer: { session: "s1", wire: "sse", scope: "session" }, direction, envelope: { message } },
      () => void passed++,
    );
  const call = request(7, "tools/call", { name: "echo", arguments: { a: 1 } });
  pass(call);
  pass(call, "down");
  pass(request(1, "tools/list"));
  assert.equal(passed, 3);
  assert.deepEqual(told("tool.called"), [
    { type: "tool.called", session: "s1", id: 7, tool: "echo", arguments: { a: 1 } },
  ]);
});
