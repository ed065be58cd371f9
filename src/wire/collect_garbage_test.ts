import assert from "node:assert/strict";
import { collectGarbage } from "./collect_garbage.ts";

Deno.test("collectGarbage frees what nobody holds any more, though nothing else is made", () => {
  const much = 20_000_000;
  const holds = (size: number) => new Array(size).fill(0.5).length;
  collectGarbage();
  const before = Deno.memoryUsage().heapUsed;
  holds(much / 8);
  const made = Deno.memoryUsage().heapUsed;
  assert(made - before > much / 2, `${made - before}`);
  collectGarbage();
  assert(made - Deno.memoryUsage().heapUsed > much / 2);
});
