import assert from "node:assert/strict";
import { annotationsOf } from "./param_annotations.ts";

const REGION = { type: "string", "x-mcp-header": "Region" };

function withProperty(property: unknown): unknown {
  return { type: "object", properties: { value: property } };
}

function faultOf(schema: unknown): string {
  const fault = annotationsOf(schema);
  return typeof fault === "string" ? fault : assert.fail("It was taken");
}

Deno.test("annotationsOf finds the page's example, and what is nested", () => {
  const schema = {
    type: "object",
    properties: {
      region: { ...REGION, description: "The region to execute the query in" },
      query: { type: "string", description: "The SQL query to execute" },
      properties: { properties: { "x-mcp-header": { type: "integer", "x-mcp-header": "X-1" } } },
      verbose: { type: "boolean", "x-mcp-header": "Verbose" },
    },
    required: ["region", "query"],
  };
  assert.deepEqual(annotationsOf(schema), [
    { header: "Region", path: ["region"], type: "string" },
    { header: "Verbose", path: ["verbose"], type: "boolean" },
    { header: "X-1", path: ["properties", "x-mcp-header"], type: "integer" },
  ]);
});

Deno.test("annotationsOf finds none where there is none", () => {
  for (
    const schema of [undefined, null, true, "x", [], {}, { properties: [] }, withProperty({ type: "string" })]
  ) {
    assert.deepEqual(annotationsOf(schema), []);
  }
});

Deno.test("annotationsOf takes no data for an annotation", () => {
  const data = { "x-mcp-header": "Region" };
  for (const keyword of ["default", "const"]) {
    assert.deepEqual(annotationsOf(withProperty({ [keyword]: data })), []);
  }
  for (const keyword of ["enum", "examples"]) {
    assert.deepEqual(annotationsOf(withProperty({ [keyword]: [data] })), []);
  }
});

Deno.test("annotationsOf says what is wrong with a header's name", () => {
  const cases: [unknown, RegExp][] = [
    ["", /is empty/],
    ...["My Region", "Region:Primary", "Région", "Region\t1", "a\r\nb", "a/b"]
      .map((header): [string, RegExp] => [header, /is no name of a header/]),
    ["x".repeat(101), /is longer than 100 characters/],
    ...[7, null, {}, ["Region"]].map((header): [unknown, RegExp] => [header, /is not a string/]),
  ];
  for (const [header, fault] of cases) {
    assert.match(faultOf(withProperty({ type: "string", "x-mcp-header": header })), fault);
  }
});

Deno.test("annotationsOf wants each header once, whatever its case", () => {
  for (const header of ["Region", "rEGION"]) {
    const schema = { properties: { a: REGION, b: { type: "string", "x-mcp-header": header } } };
    assert.equal(faultOf(schema), `x-mcp-header "${header}" stands there twice`);
  }
});

Deno.test("annotationsOf wants a type that a header can stand for", () => {
  for (const type of ["number", "object", "array", "null", undefined, ["string"], ["string", "null"]]) {
    assert.match(
      faultOf(withProperty({ type, "x-mcp-header": "X" })),
      /type is not string, integer or boolean/,
    );
  }
});

Deno.test("annotationsOf wants properties alone to lead to it", () => {
  const inner = { properties: { region: REGION } };
  const schemas = [
    REGION,
    ...["items", "additionalProperties", "not", "if", "then", "else", "contains", "x-vendor"]
      .flatMap((
        keyword,
      ) => [{ [keyword]: REGION }, { [keyword]: inner }, withProperty({ [keyword]: REGION })]),
    ...["oneOf", "anyOf", "allOf", "prefixItems", "items"].flatMap((keyword) => [{ [keyword]: [{}, inner] }]),
    ...["$defs", "definitions", "patternProperties", "dependentSchemas"]
      .flatMap((keyword) => [{ [keyword]: { x: REGION } }, { [keyword]: { default: inner } }]),
  ];
  for (const schema of schemas) {
    assert.match(faultOf(schema), /"properties" alone lead to/, JSON.stringify(schema));
  }
});

Deno.test("annotationsOf ends soon whatever the schema", () => {
  let deep: unknown = REGION;
  for (let depth = 0; depth < 40_000; depth++) deep = { properties: { a: deep } };
  assert.match(faultOf(deep), /in more than 64 others/);
  let items: unknown = {};
  for (let depth = 0; depth < 60_000; depth++) items = { items };
  assert.match(faultOf(items), /more than 50000 parts/);
  assert.match(faultOf({ anyOf: Array.from({ length: 1_000_000 }, () => 0) }), /more than 50000 parts/);
  const many = Array.from(
    { length: 101 },
    (_, i) => [`p${i}`, { type: "string", "x-mcp-header": `P${i}` }] as const,
  );
  assert.match(faultOf({ properties: Object.fromEntries(many) }), /more than 100 times/);
});
