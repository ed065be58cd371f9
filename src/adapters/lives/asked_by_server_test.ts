import assert from "node:assert/strict";
import { AskedByServer } from "./asked_by_server.ts";
import { memoryChannels } from "../../core/channel.ts";

Deno.test("AskedByServer names the server that waits for an answer, once, and tells 1 from the text 1", () => {
  const asked = new AskedByServer();
  const [one, other] = memoryChannels();
  asked.add(1, one);
  asked.add("1", other);
  assert.equal(asked.take("1"), other);
  assert.equal(asked.take("1"), undefined);
  assert.equal(asked.take(1), one);
});

Deno.test("AskedByServer takes back what one server asked, and nothing of another", () => {
  const asked = new AskedByServer();
  const [one, other] = memoryChannels();
  asked.add(1, one);
  asked.add(2, other);
  asked.add("three", one);
  const ids = asked.withdraw(one).map(({ params }) => params?.requestId);
  assert.deepEqual(ids, [1, "three"]);
  assert.deepEqual(asked.withdraw(one), []);
  assert.equal(asked.take(2), other);
});
