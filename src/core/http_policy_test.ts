import assert from "node:assert/strict";
import { nobody } from "../../tests/support/nobody.ts";
import { behind, type HttpPolicy } from "./http_policy.ts";

const REQUEST = new Request("http://127.0.0.1/mcp");
const ANSWER = new Response("answer");

/** A policy that writes down when it was there. */
function noted(name: string, notes: string[]): HttpPolicy {
  return (request, caller, next) => {
    notes.push(`${name} in`);
    const answer = next(request, caller);
    notes.push(`${name} out`);
    return answer;
  };
}

Deno.test("behind asks the first policy first, and costs no promise where none is asynchronous", () => {
  const notes: string[] = [];
  const answer = behind<Response>([noted("outer", notes), noted("inner", notes)], () => {
    notes.push("route");
    return ANSWER;
  });
  assert.equal(answer(REQUEST, nobody()), ANSWER);
  assert.deepEqual(notes, ["outer in", "inner in", "route", "inner out", "outer out"]);
});

Deno.test("behind passes on what the route gives besides a response, now or later", async () => {
  const upgrade = { upgraded: true };
  const later: HttpPolicy = async (request, caller, next) => {
    await undefined;
    return await next(request, caller);
  };
  assert.equal(behind([noted("one", [])], () => upgrade)(REQUEST, nobody()), upgrade);
  assert.equal(await behind([noted("one", []), later], () => upgrade)(REQUEST, nobody()), upgrade);
});

Deno.test("behind asks nobody further in where a policy answers itself", () => {
  const refuse: HttpPolicy = () => ANSWER;
  const answer = behind<Response>([refuse], () => assert.fail("reached"));
  assert.equal(answer(REQUEST, nobody()), ANSWER);
});

Deno.test("behind lets no policy hand a request on twice, also where the first time failed", () => {
  let reached = 0;
  const greedy: HttpPolicy = (request, caller, next) => {
    try {
      next(request, caller);
    } catch {
      // Tried again below.
    }
    return next(request, caller);
  };
  for (const policies of [[greedy], [noted("outer", []), greedy], [greedy, noted("inner", [])]]) {
    for (const fails of [false, true]) {
      reached = 0;
      const answer = behind<Response>(policies, () => {
        reached++;
        if (fails) throw new Error("the route failed");
        return ANSWER;
      });
      assert.throws(() => answer(REQUEST, nobody()), /next\(\) twice/);
      assert.equal(reached, 1);
    }
  }
});

Deno.test("behind has requests go their way independently", () => {
  const answer = behind<Response>([noted("one", [])], () => ANSWER);
  for (const caller of [nobody(), nobody()]) assert.equal(answer(REQUEST, caller), ANSWER);
});
