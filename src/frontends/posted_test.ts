import assert from "node:assert/strict";
import { GatewayError, RequestError, StoppingError } from "../core/errors.ts";
import { Stopping } from "../core/stopping.ts";
import { request } from "../../tests/support/messages.ts";
import { nobody } from "../../tests/support/nobody.ts";
import { looseBodies } from "../../tests/support/waiting_limits.ts";
import type { AsyncHandler } from "./frontend.ts";
import { posting } from "./posted.ts";

function post(body: unknown): Request {
  return new Request("http://127.0.0.1/mcp", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** The ids of the requests that these POSTs were refused under. */
async function refusedIds(handler: AsyncHandler, bodies: readonly unknown[]) {
  const outcomes = await Promise.allSettled(bodies.map((body) => handler(post(body), nobody())));
  return outcomes.map((outcome) => {
    assert.equal(outcome.status, "rejected");
    assert(outcome.reason instanceof GatewayError);
    return outcome.reason.requestId;
  });
}

const OPTIONS = { bodies: looseBodies(), stopping: new Stopping() };

Deno.test("posting refuses each request under its own id, also where one error refuses them all", async () => {
  const stopping = Promise.withResolvers<never>();
  const handler = posting(OPTIONS, () => stopping.promise);
  const refused = refusedIds(handler, [request("a"), request(0), [request("b")]]);
  stopping.reject(new StoppingError());
  assert.deepEqual(await refused, ["a", 0, null]);
});

Deno.test("posting keeps what a refusal says", async () => {
  const error = new RequestError("Bad", { status: 404, code: -1, headers: { Allow: "GET" } });
  const handler = posting(OPTIONS, () => Promise.reject(error));
  await assert.rejects(handler(post(request(1)), nobody()), (refusal) => {
    assert(refusal instanceof GatewayError);
    const { message, status, code, headers } = refusal;
    assert.deepEqual({ message, status, code, headers }, {
      message: "Bad",
      status: 404,
      code: -1,
      headers: { Allow: "GET" },
    });
    return true;
  });
});

Deno.test("posting rejects, and never throws, whatever refuses first", async () => {
  const refuse = () => {
    throw new RequestError("no");
  };
  const unwelcome: [Parameters<typeof posting>, unknown][] = [
    [[{ ...OPTIONS, check: refuse }, refuse], null],
    [[{ ...OPTIONS, stopping: { refuse } }, refuse], 7],
    [[OPTIONS, refuse], 7],
  ];
  for (const [args, id] of unwelcome) {
    assert.deepEqual(await refusedIds(posting(...args), [request(7)]), [id]);
  }
});

Deno.test("posting takes what a batch has beyond one message from what its caller may ask for, before it is said", async () => {
  const asked: number[] = [];
  const handler = posting(OPTIONS, () => Promise.resolve(new Response("done")));
  const ask = (body: unknown) => {
    const caller = nobody();
    caller.limitTo({
      refusal(count) {
        asked.push(count);
        return count > 2 ? new RequestError("too fast", { status: 429 }) : undefined;
      },
    });
    return handler(post(body), caller);
  };
  for (const body of [request(1), [request(1)], [request(1), request(2), request(3)]]) {
    assert.equal((await ask(body)).status, 200);
  }
  await assert.rejects(ask([1, 2, 3, 4].map((id) => request(id))), { status: 429 });
  assert.deepEqual(asked, [2, 3]);
});
