import assert from "node:assert/strict";
import { compose, type MessageContext, type MessagePolicy } from "./policy.ts";
import { request } from "../../tests/support/messages.ts";

const context: MessageContext = {
  peer: { session: "s1", wire: "sse", scope: "session" },
  direction: "up",
  envelope: { message: request(1) },
};

Deno.test("compose of nothing passes the message and gives back what next gives", async () => {
  assert.equal(compose([])(context, () => {}), undefined);
  const room = Promise.resolve();
  const passed = compose([])(context, () => room);
  assert.equal(passed, room);
  await passed;
});

Deno.test("compose runs the first policy outermost, around all that follow", async () => {
  const steps: string[] = [];
  const named = (name: string): MessagePolicy => async (seen, next) => {
    assert.equal(seen, context);
    steps.push(`${name} in`);
    await next();
    steps.push(`${name} out`);
  };
  await compose([named("a"), named("b")])(context, () => void steps.push("sent"));
  assert.deepEqual(steps, ["a in", "b in", "sent", "b out", "a out"]);
});

Deno.test("compose stops at a policy that throws or rejects, and hands its error out", async () => {
  const inner = () => assert.fail("an inner policy ran");
  const refuse: MessagePolicy = () => {
    throw new Error("no");
  };
  assert.throws(() => compose([refuse, inner])(context, inner), /no/);
  await assert.rejects(
    async () => await compose([() => Promise.reject(new Error("later"))])(context, inner),
    /later/,
  );
});

Deno.test("compose leaves a policy the choice not to pass the message", () => {
  compose([() => {}])(context, () => assert.fail("the message was sent"));
});

Deno.test("compose can be run again and again", () => {
  let sent = 0;
  const policy = compose([(_context, next) => next(), (_context, next) => next()]);
  for (let count = 0; count < 3; count++) policy(context, () => void sent++);
  assert.equal(sent, 3);
});

Deno.test("compose refuses to pass a message a second time", async () => {
  let sent = 0;
  const send = () => void sent++;
  const twice: MessagePolicy = (_context, next) => {
    void next();
    return next();
  };
  const passing: MessagePolicy = (_context, next) => next();
  for (const policies of [[twice], [twice, passing], [passing, twice]]) {
    sent = 0;
    assert.throws(() => compose(policies)(context, send), /next\(\) more than once/);
    assert.equal(sent, 1);
  }
  const late: MessagePolicy = async (_context, next) => {
    await next();
    await next();
  };
  await assert.rejects(async () => await compose([late])(context, send), /next\(\) more than once/);
  assert.equal(sent, 2);
});
