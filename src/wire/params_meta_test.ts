import assert from "node:assert/strict";
import { membersNamed, withParamsMeta } from "./params_meta.ts";

Deno.test("withParamsMeta takes _meta out of the params, wherever it stands, and leaves all else as it is spelled", () => {
  const cases: [string, string][] = [
    ['{"id":1.0,"params":{"a":1.0,"_meta":{"x":"}"}}}', '{"id":1.0,"params":{"a":1.0}}'],
    ['{"params":{"_meta":{},"a":[{}]},"id":1}', '{"params":{"a":[{}]},"id":1}'],
    ['{"params":{"_meta":{}}}', '{"params":{}}'],
    ['{"params": { "a" : 1 , "_meta" : { } , "b":2 } }', '{"params": { "a" : 1  , "b":2 } }'],
    ['{"params":{"name":"params","_meta":{"_meta":1}}}', '{"params":{"name":"params"}}'],
    ['{"params":{"name":"_meta","_meta":{}}}', '{"params":{"name":"_meta"}}'],
    ['{"params":{"name":"a\\"_meta","_meta":{}}}', '{"params":{"name":"a\\"_meta"}}'],
    ['{"_meta":{},"params":{"\\u005fmeta":{},"a":{"_meta":1}}}', '{"_meta":{},"params":{"a":{"_meta":1}}}'],
  ];
  for (const [text, wanted] of cases) {
    assert.equal(withParamsMeta(text, () => undefined), wanted);
    JSON.parse(wanted);
  }
});

Deno.test("withParamsMeta puts another one in its place", () => {
  assert.equal(
    withParamsMeta('{"params":{"_meta":{"x":1},"a":2}}', (json) => json.replace('x":1', 'y":3')),
    '{"params":{"_meta":{"y":3},"a":2}}',
  );
});

Deno.test("withParamsMeta does not touch what is not certain", () => {
  for (
    const text of [
      '{"params":{}}',
      '{"params":[]}',
      "{}",
      '{"params":{"_meta":1,"_meta":{}}}',
      '{"params":{},"params":{"_meta":1}}',
    ]
  ) {
    assert.equal(withParamsMeta(text, () => undefined), undefined, text);
  }
});

Deno.test("membersNamed leaves values as they are spelled, and says each name once and plainly", () => {
  const cases: [string, string][] = [
    ['{ "a" : 1.0 , "b":[1e400, {"a":2}],"c":3}', '{"a":1.0,"b":[1e400, {"a":2}]}'],
    ['{"a":1,"\\u0061":1e2}', '{"a":1e2}'],
    ['{"__proto__":-0,"c":{}}', "{}"],
    ["{}", "{}"],
  ];
  for (const [json, wanted] of cases) assert.equal(membersNamed(json, new Set(["a", "b"])), wanted);
});
