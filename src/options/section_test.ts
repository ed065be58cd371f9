import assert from "node:assert/strict";
import * as z from "zod";
import { metaOf, option, section } from "./section.ts";
import { duration, size } from "./values.ts";

const SHAPE = {
  maxSize: option(size(), { value: "<size>", description: "how much", default: "4k" }),
  pause: option(duration({ min: 1 }), { value: "<time>", description: "how long" }),
};

Deno.test("section gives what a module takes in its own words, and leaves out what is not given", () => {
  const { shape, settings } = section(SHAPE, ({ maxSize, pause }) => ({ maxBytes: maxSize, pauseMs: pause }));
  const options = z.object(shape);
  assert.deepEqual(settings(options.parse({})), { maxBytes: 4096 });
  assert.deepEqual(settings(options.parse({ maxSize: "1k", pause: "2s" })), {
    maxBytes: 1024,
    pauseMs: 2000,
  });
});

Deno.test("section without words of its own gives its own keys, and none of another section", () => {
  const { settings } = section(SHAPE);
  assert.deepEqual(settings({ maxSize: 1, pause: undefined, ...{ port: 1 } }), { maxSize: 1 });
});

Deno.test("metaOf has what option was told", () => {
  assert.equal(metaOf(SHAPE.maxSize).default, "4k");
  assert.equal(metaOf(SHAPE.pause).description, "how long");
});
