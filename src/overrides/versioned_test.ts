import assert from "node:assert/strict";
import { ConflictError } from "../core/errors.ts";
import { Versioned } from "./versioned.ts";

Deno.test("Versioned is written by the first of two who have read the same, and not by the second", () => {
  const versioned = new Versioned("a");
  const { etag } = versioned.read();
  const written = versioned.write("b", etag);
  assert.notEqual(written.etag, etag);
  assert.throws(() => versioned.write("c", etag), (error) => {
    assert(error instanceof ConflictError);
    assert.deepEqual([error.status, error.headers.ETag], [412, written.etag]);
    return true;
  });
  assert.deepEqual(versioned.read(), { value: "b", etag: written.etag });
});

Deno.test("Versioned has a new version with each write, of the same value too", () => {
  const versioned = new Versioned("a");
  const etags = [1, 2, 3].map(() => versioned.write("a").etag);
  assert.equal(new Set([versioned.read().etag, ...etags]).size, 3);
  assert.match(etags[0] ?? "", /^"[\w-]+"$/);
});

Deno.test("Versioned takes any of several etags, and *; a weak one is none", () => {
  const versioned = new Versioned(0);
  const { etag } = versioned.read();
  assert.equal(versioned.write(1, `"other", ${etag}`).value, 1);
  assert.equal(versioned.write(2, "*").value, 2);
  assert.throws(() => versioned.write(3, `W/${versioned.read().etag}`), ConflictError);
  assert.throws(() => versioned.write(3, ""), ConflictError);
});
