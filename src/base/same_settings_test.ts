import assert from "node:assert/strict";
import { sameSettings } from "./same_settings.ts";

Deno.test("sameSettings compares what settings say, in whatever order and objects", () => {
  const settings = () => ({
    url: new URL("http://a/b"),
    list: [1, Infinity],
    cors: [/a/i],
    of: { x: 1, y: "2" },
  });
  assert(sameSettings(settings(), { ...settings(), of: { y: "2", x: 1 }, missing: undefined }));
  for (
    const change of [
      { url: new URL("http://a/c") },
      { list: [Infinity, 1] },
      { list: [1] },
      { cors: [/a/] },
      { of: { x: 1, y: 2 } },
      { more: null },
    ]
  ) assert(!sameSettings(settings(), { ...settings(), ...change }), JSON.stringify(change));
});
