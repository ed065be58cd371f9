import assert from "node:assert/strict";
import { BackendError, BusyError, StoppingError } from "../core/errors.ts";
import { recorder } from "../../tests/support/recorder.ts";
import { probingGuard } from "./probe.ts";

const LIMITS = { limit: 1, windowMs: 60_000, probeMs: 1 };
const END = { reason: "It exited", provoked: false, livedMs: 1 };

Deno.test("probingGuard tries a failed server by itself until it is of use", async () => {
  const recovered = Promise.withResolvers<void>();
  let tries = 0;
  const guard = probingGuard({
    ...LIMITS,
    emit: recorder().emit,
    signal: new AbortController().signal,
    onRecovered: recovered.resolve,
    probe() {
      if (++tries < 3) return Promise.reject(new BackendError("Not yet"));
      return Promise.resolve();
    },
  });
  guard.ended(END);
  await recovered.promise;
  assert.equal(tries, 3);
  assert.equal(guard.failure, undefined);
});

Deno.test("probingGuard knows why the last try failed, and stops when it is told to", async () => {
  const tried = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const { emit, told } = recorder();
  let tries = 0;
  const guard = probingGuard({
    ...{ ...LIMITS, emit, signal: stopping.signal },
    probe() {
      if (++tries === 2) tried.resolve();
      return Promise.reject(new BackendError(`Try ${tries}`));
    },
  });
  guard.ended(END);
  await tried.promise;
  stopping.abort(new StoppingError());
  assert.match(guard.failure ?? "", /^Try \d$/);
  assert.deepEqual(told("fault"), []);
});

Deno.test("probingGuard takes no lack of room for an end, and never probes twice at a time", async () => {
  const recovered = Promise.withResolvers<void>();
  let [tries, running, most] = [0, 0, 0];
  const guard = probingGuard({
    ...{ ...LIMITS, emit: recorder().emit, signal: new AbortController().signal },
    onRecovered: recovered.resolve,
    async probe() {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 3));
      running--;
      if (++tries < 3) throw new BusyError("Too many server processes");
    },
  });
  guard.ended(END);
  guard.proved();
  guard.ended(END);
  await recovered.promise;
  while (guard.failure !== undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(most, 1);
});
