import * as z from "zod";

/** `setTimeout` fires at once beyond 2^31 - 1 ms, which is a little more than this many hours. */
const MAX_HOURS = 596;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** What is allowed, as the end of an error message: "expected …". A function may look at the refused text. */
type Expectation = string | ((text: string) => string);

/** A value written as text; `read` answers undefined for a text that it does not accept. */
export function readFromText<T>(expected: Expectation, read: (text: string) => T | undefined) {
  return z.string({ error: expectation(expected, "") }).transform((text, context): T => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue(expectation(expected, text));
    return z.NEVER;
  });
}

/** As `readFromText`, for what a file may give as a bare number too. */
function measured(expected: string, read: (text: string) => number | undefined) {
  return z.union([z.string(), z.number()], { error: expected })
    .transform(String).pipe(readFromText(expected, read));
}

/** Text with something in it. */
export function nonEmpty(expected: string) {
  return readFromText(expected, (text) => text === "" ? undefined : text);
}

export function wholeNumber({ min, max = Number.MAX_SAFE_INTEGER }: { min: number; max?: number }) {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return measured(`expected a whole number ${range}`, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? value : undefined;
  });
}

/** A time in milliseconds, from `500ms`, `30s`, `5m`, `1h` or a bare number of milliseconds. */
export function duration({ min }: { min: number }) {
  const expected = `expected a time from ${min}ms to ${MAX_HOURS}h, such as 500ms, 30s, 5m or 1h`;
  return measured(expected, (text) => {
    const ms = Math.round(scaled(text, /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/i, UNIT_MS));
    return ms >= min && ms <= MAX_HOURS * 3_600_000 ? ms : undefined;
  });
}

const LIFETIME_MS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** Ten years. */
const MAX_LIFETIME_MS = 3_653 * 86_400_000;

/** How long something counts, in milliseconds: `30m`, `24h`, `90d` or `2w`. No timer waits for its end. */
export function lifetime() {
  return readFromText("expected a time from 1m to 3653d, such as 24h, 90d or 2w", (text) => {
    const ms = scaled(text, /^(\d+)([mhdw])$/i, LIFETIME_MS);
    return ms >= 60_000 && ms <= MAX_LIFETIME_MS ? ms : undefined;
  });
}

/** A number of bytes, from `4m`, `512k`, `1g` (also `kb` and `kib`; 1024-based) or a bare number of bytes. */
export function size() {
  return measured("expected a size of at least 1 byte, such as 65536, 512k or 4m", (text) => {
    const bytes = Math.floor(scaled(text, /^(\d+(?:\.\d+)?)(?:([kmg])(?:i?b)?)?$/i, UNIT_BYTES));
    return bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
  });
}

const RATE_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** So many in so long: `10/s`, `600/m` or `5000/h`. */
export function rate() {
  return readFromText("expected a number and a time, such as 10/s, 600/m or 5000/h", (text) => {
    const [, digits, unit = ""] = /^(\d{1,9})\/(s|m|h)$/i.exec(text) ?? [];
    const count = Number(digits);
    return count >= 1 ? { count, perMs: RATE_MS[unit.toLowerCase()]! } : undefined;
  });
}

/** NaN for a text without that form, so that every comparison with it fails. */
function scaled(text: string, form: RegExp, units: Readonly<Record<string, number>>): number {
  const [, digits, unit = ""] = form.exec(text) ?? [];
  return Number(digits) * (units[unit.toLowerCase()] ?? 1);
}

/** On or off; text counts because flags, and later environment variables, have nothing else. */
export function onOff() {
  return z.union([z.boolean(), z.enum(["true", "false"])], { error: "expected true or false" })
    .transform((value) => value === true || value === "true");
}

/** One of a few names; `allowed` is what an error offers, where that is less than what is known. */
export function choice<const T extends readonly string[]>(names: T, allowed: readonly string[] = names) {
  return z.enum(names, { error: `expected ${oneOf(allowed)}` });
}

/** What is certainly a name and no secret by mistake. */
const PLAIN_NAME = /^[A-Z]+(_[A-Z]+){0,5}$/;

/** A pair `KEY=VALUE` whose key is a legal name of an environment variable. */
export function keyValue() {
  const form = "expected KEY=VALUE, where KEY has letters, digits and _ and begins with no digit";
  const expected = (text: string) =>
    PLAIN_NAME.test(text)
      ? `expected KEY=VALUE, but ${text} has no value; the server gets Keystone's own variables in any case`
      : form;
  return readFromText(expected, (text): readonly [string, string] | undefined => {
    const [, key, value] = /^([A-Za-z_][A-Za-z0-9_]*)=([^\0]*)$/.exec(text) ?? [];
    return key === undefined || value === undefined ? undefined : [key, value];
  });
}

function oneOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

function expectation(expected: Expectation, text: string): string {
  return typeof expected === "string" ? expected : expected(text);
}
