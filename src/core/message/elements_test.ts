import assert from "node:assert/strict";
import { elementsIn } from "./elements.ts";

Deno.test("elementsIn gives each element of an array as it is spelled", () => {
  for (
    const elements of [
      [],
      ["1"],
      ["1.0", "-2e5", "true", "null"],
      ['{"a":[1,{"b":"]}"}],"c":1.0}', '"x,\\"]"', "[[],[1]]", "{}"],
    ]
  ) {
    assert.deepEqual(elementsIn(`[${elements.join(",")}]`), elements);
    assert.deepEqual(elementsIn(` [ ${elements.join(" ,\n")} ] `), elements);
    JSON.parse(`[${elements.join(",")}]`);
  }
});
