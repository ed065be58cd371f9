import assert from "node:assert/strict";
import { nobody, somebody } from "../../tests/support/nobody.ts";
import { finishAnswers } from "./answers.ts";

const REQUEST = new Request("http://h/mcp");

function fields(response: Response): (string | null)[] {
  return ["cache-control", "x-content-type-options"].map((name) => response.headers.get(name));
}

const finish = finishAnswers(() => {});

Deno.test("finishAnswers keeps what it is answered to somebody out of caches, and all else as it is", async () => {
  const streamed = () => new Response("", { headers: { "Cache-Control": "no-cache" } });
  assert.deepEqual(fields(await finish(REQUEST, nobody(), streamed)), ["no-cache", null]);
  const known = (next: () => Response | Promise<Response>) =>
    finish<Response>(REQUEST, somebody("a/b"), next);
  assert.deepEqual(fields(await known(streamed)), ["no-cache, no-store", "nosniff"]);
  assert.deepEqual(fields(await known(() => Promise.resolve(Response.json({})))), ["no-store", "nosniff"]);
  const told = () => Response.json({}, { headers: { "Cache-Control": "no-store" } });
  assert.deepEqual(fields(await known(told)), ["no-store", "nosniff"]);
  const upgrade = { headers: {} };
  assert.equal(finish<typeof upgrade>(REQUEST, somebody("a/b"), () => upgrade), upgrade);
});
