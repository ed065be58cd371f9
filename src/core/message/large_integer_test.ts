import assert from "node:assert/strict";
import { largeInteger } from "./large_integer.ts";

Deno.test("largeInteger takes integers that a number would round, and nothing else", () => {
  for (
    const spelled of ["9007199254740992", "9007199254740993", "-1915883588174806058", `1${"0".repeat(300)}`]
  ) {
    assert.equal(largeInteger(spelled), BigInt(spelled));
  }
  const others = [
    "9007199254740991",
    "7",
    "-0",
    "0",
    "1e20",
    "1.0",
    "9007199254740993.0",
    "",
    "9".repeat(400),
  ];
  for (const spelled of others) assert.equal(largeInteger(spelled), undefined, spelled);
});

Deno.test("largeInteger gives what JSON.stringify writes with all its digits, wherever it stands", () => {
  const id = largeInteger("1915883588174806058");
  assert.equal(JSON.stringify({ id, all: [id] }), '{"id":1915883588174806058,"all":[1915883588174806058]}');
});
