import assert from "node:assert/strict";
import type * as z from "zod";
import { choice, duration, keyValue, nonEmpty, onOff, readFromText, size, wholeNumber } from "./values.ts";

function refusal(type: z.ZodType, value: unknown): string {
  const result = type.safeParse(value);
  assert.equal(result.success, false, `${JSON.stringify(value)} was accepted`);
  return result.error?.issues[0]?.message ?? "";
}

Deno.test("wholeNumber takes digits and numbers within its range", () => {
  const port = wholeNumber({ min: 0, max: 65535 });
  assert.equal(port.parse("0"), 0);
  assert.equal(port.parse("65535"), 65535);
  assert.equal(port.parse(8000), 8000);
});

Deno.test("wholeNumber refuses everything else with its range", () => {
  const port = wholeNumber({ min: 0, max: 65535 });
  for (
    const value of ["", "abc", "NaN", "65536", "-1", "1.5", "1e3", "0x1f", " 80", NaN, 1.5, true, null, []]
  ) {
    assert.equal(refusal(port, value), "expected a whole number from 0 to 65535");
  }
  assert.equal(refusal(wholeNumber({ min: 1 }), "0"), "expected a whole number of at least 1");
  refusal(wholeNumber({ min: 1 }), "9".repeat(20));
});

Deno.test("duration reads every unit into milliseconds, and a bare number as milliseconds", () => {
  const time = duration({ min: 0 });
  const cases = {
    "500ms": 500,
    "30s": 30_000,
    "5m": 300_000,
    "1.5h": 5_400_000,
    "250": 250,
    "0": 0,
    "2S": 2000,
  };
  for (const [text, ms] of Object.entries(cases)) assert.equal(time.parse(text), ms, text);
  assert.equal(time.parse(1_800_000), 1_800_000);
  assert.equal(time.parse("596h"), 596 * 3_600_000);
});

Deno.test("duration refuses other forms and what a timer cannot hold", () => {
  for (
    const text of [
      "",
      "abc",
      "-1",
      "1d",
      "5 m",
      "m",
      "NaN",
      "Infinity",
      "597h",
      "9".repeat(400),
      "0",
      "0.1ms",
    ]
  ) {
    assert.equal(
      refusal(duration({ min: 1 }), text),
      "expected a time from 1ms to 596h, such as 500ms, 30s, 5m or 1h",
    );
  }
});

Deno.test("size reads every suffix as a power of 1024, and a bare number as bytes", () => {
  const cases = {
    "65536": 65536,
    "1k": 1024,
    "1kb": 1024,
    "1KiB": 1024,
    "4m": 4194304,
    "4MB": 4194304,
    "1g": 2 ** 30,
  };
  for (const [text, bytes] of Object.entries(cases)) assert.equal(size().parse(text), bytes, text);
  assert.equal(size().parse("1.5m"), 1572864);
  assert.equal(size().parse(1024), 1024);
});

Deno.test("size refuses other forms, nothing at all and what no number can count", () => {
  for (const text of ["", "0", "0.5", "abc", "-1", "4t", "4 m", "4b", "4mm", "9".repeat(400), "99999999g"]) {
    assert.equal(refusal(size(), text), "expected a size of at least 1 byte, such as 65536, 512k or 4m");
  }
});

Deno.test("onOff takes true and false, written or not, and nothing else", () => {
  assert.equal(onOff().parse("true"), true);
  assert.equal(onOff().parse("false"), false);
  assert.equal(onOff().parse(true), true);
  assert.equal(onOff().parse(false), false);
  for (const value of ["yes", "1", "", 1, null]) {
    assert.equal(refusal(onOff(), value), "expected true or false");
  }
});

Deno.test("choice names what is allowed, and may name less than it knows", () => {
  assert.equal(choice(["text", "json"]).parse("json"), "json");
  assert.equal(refusal(choice(["text", "json"]), "xml"), "expected text or json");
  assert.equal(refusal(choice(["a", "b", "c", "d"], ["a", "b", "c"]), "e"), "expected a, b or c");
});

Deno.test("keyValue splits at the first equals sign", () => {
  assert.deepEqual(keyValue().parse("A_1=b=c"), ["A_1", "b=c"]);
  assert.deepEqual(keyValue().parse("A="), ["A", ""]);
  assert.deepEqual(keyValue().parse("A=two\nlines"), ["A", "two\nlines"]);
});

Deno.test("keyValue refuses an illegal name without showing what was given", () => {
  for (const text of ["secret", "=secret", "1A=secret", "A-B=secret", "A B=secret", "A=sec\0ret"]) {
    assert.doesNotMatch(refusal(keyValue(), text), /secret/);
  }
});

Deno.test("nonEmpty refuses the empty text with its own words", () => {
  assert.equal(nonEmpty("expected a file").parse("a"), "a");
  assert.equal(refusal(nonEmpty("expected a file"), ""), "expected a file");
});

Deno.test("readFromText lets its refusal look at the text", () => {
  const never = readFromText((text) => `expected less than ${text}`, () => undefined);
  assert.equal(refusal(never, "all"), "expected less than all");
});
