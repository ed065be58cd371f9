import assert from "node:assert/strict";
import { settled } from "../../../tests/support/far_end.ts";
import { WaitingLine } from "./waiting_line.ts";

function rig() {
  const told: string[] = [];
  const state = { connected: false, tries: 0 };
  const connecting: PromiseWithResolvers<void>[] = [];
  const line = new WaitingLine({
    connected: () => state.connected,
    connect: () => {
      state.tries++;
      connecting.push(Promise.withResolvers<void>());
      return connecting.at(-1)!.promise;
    },
  });
  const add = (name: string, go: () => Promise<void> | void = () => {}) =>
    void line.add({
      replays: true,
      go() {
        told.push(name);
        return go();
      },
      fail: (error) => void told.push(`${name}: ${(error as Error).message}`),
    });
  return { line, told, state, connecting, add };
}

Deno.test("WaitingLine hands over in order, before what comes as soon as there is a server", async () => {
  const { line, told, state, connecting, add } = rig();
  const taken = Promise.withResolvers<void>();
  add("a");
  add("b", () => taken.promise);
  add("c");
  assert.deepEqual([line.busy, state.tries], [true, 1]);
  state.connected = true;
  void line.go();
  assert.deepEqual([told, line.busy], [["a", "b"], true]);
  connecting[0]?.resolve();
  await settled();
  add("d");
  assert.deepEqual(told, ["a", "b"]);
  taken.resolve();
  await settled();
  assert.deepEqual([told, line.busy, state.tries], [["a", "b", "c", "d"], false, 1]);
});

Deno.test("WaitingLine connects again for those whose turn has not come when the server breaks", async () => {
  const { told, state, connecting, add } = rig();
  add("a", () => void (state.connected = false));
  add("b");
  state.connected = true;
  connecting[0]?.resolve();
  await settled();
  assert.deepEqual([told, state.tries], [["a"], 2]);
  state.connected = true;
  connecting[1]?.resolve();
  await settled();
  assert.deepEqual(told, ["a", "b"]);
});

Deno.test("WaitingLine tells everybody that there is no server, and tries anew for who comes later", async () => {
  const { line, told, connecting, add } = rig();
  add("a");
  add("b");
  connecting[0]?.reject(new Error("down"));
  await settled();
  assert.deepEqual([told, line.busy], [["a: down", "b: down"], false]);
  add("c");
  connecting[1]?.reject(new Error("still down"));
  await settled();
  assert.deepEqual(told.at(-1), "c: still down");
});
