import assert from "node:assert/strict";
import { nobody, somebody } from "../../tests/support/nobody.ts";
import { recorder } from "../../tests/support/recorder.ts";
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

Deno.test("finishAnswers answers 500 where an answer takes no fields, now or later, and tells of it", async () => {
  const { emit, events } = recorder();
  const finish = finishAnswers(emit);
  for (
    const given of [
      () => Response.redirect("http://h/"),
      () => Promise.resolve(Response.redirect("http://h/")),
    ]
  ) {
    assert.equal((await finish<Response>(REQUEST, somebody("a/b"), given)).status, 500);
  }
  assert.deepEqual(events.map(({ type }) => type), ["fault", "http.refused", "fault", "http.refused"]);
});
