import assert from "node:assert/strict";
import { nobody } from "../../tests/support/nobody.ts";
import { Caller } from "./caller.ts";

Deno.test("Caller names each request differently, and those of one process alike", () => {
  const ids = [nobody(), nobody(), nobody()].map(({ requestId }) => requestId);
  const prefix = ids[0]?.slice(0, 9) ?? "";
  assert.match(prefix, /^[0-9a-f]{8}-$/);
  const numbers = ids.map((id) => {
    assert(id.startsWith(prefix), id);
    return Number(id.slice(prefix.length));
  });
  const [first = NaN] = numbers;
  assert.deepEqual(numbers, [first, first + 1, first + 2]);
  const caller = nobody();
  assert.equal(caller.requestId, caller.requestId);
});

Deno.test("Caller is nobody in particular until it is identified, which can be done once", () => {
  const caller = nobody();
  assert.deepEqual([caller.principal, caller.scopes], [undefined, []]);
  const ann = { name: "ann" };
  caller.identify(ann, ["tools"]);
  assert.deepEqual([caller.principal, caller.scopes], [ann, ["tools"]]);
  assert.throws(() => caller.identify({ name: "bob" }), TypeError);
  assert.equal(caller.principal, ann);
});

Deno.test("Caller speaks for its connection, which may not know whether it takes an answer as a whole", () => {
  const dropped: string[] = [];
  const connection = { address: "192.0.2.1", drop: (reason: string) => void dropped.push(reason) };
  const plain = new Caller(connection);
  plain.drop("slow");
  assert.deepEqual([plain.address, dropped, plain.takesWhole(1)], ["192.0.2.1", ["slow"], false]);
  const knowing = new Caller({ ...connection, takesWhole: (bytes) => bytes < 10 });
  assert.deepEqual([knowing.takesWhole(9), knowing.takesWhole(10)], [true, false]);
});
