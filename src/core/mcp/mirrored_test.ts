import assert from "node:assert/strict";
import type { Params } from "../message/jsonrpc.ts";
import {
  decodeMirrored,
  encodeMirrored,
  isMirrored,
  isMirrorOf,
  type Mirrored,
  mirroredName,
  mirroredParams,
} from "./mirrored.ts";

function sameMirrored(header: string, value: Mirrored): boolean {
  const decoded = decodeMirrored(header);
  return decoded !== undefined && isMirrorOf(decoded, value);
}

/** As the page has them, and more that no two readers may take for different values. */
const ENCODED: [Mirrored, string][] = [
  ["us-west1", "us-west1"],
  ["Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="],
  [" padded ", "=?base64?IHBhZGRlZCA=?="],
  ["line1\nline2", "=?base64?bGluZTEKbGluZTI=?="],
  ["=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="],
  ["=?base64?SGVsbG8", "=?base64?SGVsbG8"],
  ["=?base64?=", "=?base64?PT9iYXNlNjQ/PQ==?="],
  ["SGVsbG8=?=", "SGVsbG8=?="],
  ["=?BASE64?literal?=", "=?BASE64?literal?="],
  ["us west 1", "us west 1"],
  ["", ""],
  [" ", "=?base64?IA==?="],
  ["a\tb", "=?base64?YQli?="],
  ["\u007f", "=?base64?fw==?="],
  ["\ufeffé", "=?base64?77u/w6k=?="],
  ["file:///projects/myapp/config.json", "file:///projects/myapp/config.json"],
  [42, "42"],
  [-7, "-7"],
  [9007199254740993n, "9007199254740993"],
  [true, "true"],
  [false, "false"],
];

Deno.test("encodeMirrored writes what is safe as it is, and anything else in Base64", () => {
  for (const [value, header] of ENCODED) assert.equal(encodeMirrored(value), header);
});

Deno.test("decodeMirrored reads back what encodeMirrored writes, through the headers of a request", () => {
  for (const [value, header] of ENCODED) {
    assert.equal(decodeMirrored(header), `${value}`);
    const headers = new Headers({ "Mcp-Name": header });
    assert(sameMirrored(headers.get("mcp-name") ?? "none", value), header);
  }
});

Deno.test("decodeMirrored refuses what is not encoded well, and characters that a header may not have", () => {
  const encoded = [
    "SGVsbG8",
    "SGVs!!!bG8=",
    "SGVsbG8 ",
    "SGVs bG8=",
    "SGVsbG9=",
    "_-8=",
    "=",
    "/w==",
    "7aCA",
  ];
  for (const text of encoded) assert.equal(decodeMirrored(`=?base64?${text}?=`), undefined, text);
  for (const text of ["=?base64?=", "é", "a\nb", "a\0", "世"]) {
    assert.equal(decodeMirrored(text), undefined, text);
  }
  assert.equal(decodeMirrored("a\tb"), "a\tb");
});

Deno.test("isMirrorOf compares integers by their value, and everything else to the letter", () => {
  const same: [Mirrored, string[]][] = [
    [42, ["42", "42.0", "042", "=?base64?NDI=?="]],
    [-7, ["-7", "-7.000"]],
    [0, ["0", "-0"]],
    [0.5, ["0.5", "0.50"]],
    [1e-7, ["1e-7", "0.0000001"]],
    [2 ** 53, ["9007199254740992"]],
    [9007199254740993n, ["9007199254740993", "9007199254740993.0"]],
  ];
  for (const [value, headers] of same) {
    for (const header of headers) assert(sameMirrored(header, value), header);
  }
  const other: [Mirrored, string[]][] = [
    [42, ["42.5", "0x2a", "4.2e1", "", "=?base64?NDI?=", "2".repeat(100_000)]],
    [0, ["", "=?base64?IA==?="]],
    [2 ** 53, ["9007199254740993"]],
    [9007199254740993n, ["9007199254740992"]],
    ["42", ["42.0"]],
    [true, ["True", "1"]],
    ["echo", ["Echo", "echo "]],
  ];
  for (const [value, headers] of other) {
    for (const header of headers) assert(!sameMirrored(header, value), header);
  }
});

Deno.test("mirroredName is the name, the address or the task of those requests that have one", () => {
  const cases: [string, Params | undefined, string | undefined][] = [
    ["tools/call", { name: "get_weather", uri: "x" }, "get_weather"],
    ["prompts/get", { name: "greet" }, "greet"],
    ["resources/read", { uri: "file:///a", name: "x" }, "file:///a"],
    ["tasks/get", { taskId: "t1", name: "x" }, "t1"],
    ["tools/list", { name: "x" }, undefined],
    ["tools/call", { name: 7 }, undefined],
    ["tools/call", {}, undefined],
    ["tools/call", undefined, undefined],
    ["toString", { name: "x" }, undefined],
  ];
  for (const [method, params, name] of cases) {
    assert.equal(
      mirroredName({ method, ...params !== undefined && { params: { ...params as object } } }),
      name,
    );
  }
});

Deno.test("mirroredParams are the arguments that are there and not null", () => {
  const annotations = [
    { header: "Region", path: ["region"], type: "string" },
    { header: "Deep", path: ["a", "b"], type: "integer" },
    { header: "Verbose", path: ["verbose"], type: "boolean" },
  ];
  const headers = (args: unknown) => mirroredParams(annotations, args);
  assert.deepEqual(headers({ region: "us-west1", a: { b: 0 }, verbose: false, query: "SELECT 1" }), [
    ...[["Mcp-Param-Region", "us-west1"], ["Mcp-Param-Deep", 0], ["Mcp-Param-Verbose", false]],
  ]);
  assert.deepEqual(headers({ region: "", a: { b: null }, verbose: null }), [["Mcp-Param-Region", ""]]);
  for (const args of [undefined, null, "x", [], {}, { a: 1 }, { a: [1], region: {} }]) {
    assert.deepEqual(headers(args), []);
  }
});

Deno.test("mirroredParams takes nothing that an argument has from its prototype", () => {
  const annotations = [{ header: "X", path: ["constructor", "name"], type: "string" }];
  assert.deepEqual(mirroredParams(annotations, {}), []);
});

Deno.test("isMirrored is false for what a header cannot stand for", () => {
  for (const value of ["", 0, -1, 0.5, 2 ** 53 - 1, true]) assert(isMirrored(value), `${value}`);
  for (const value of [null, undefined, {}, [], 2 ** 53, 2n ** 60n, Infinity]) {
    assert(!isMirrored(value), `${value}`);
  }
});
