/** Integers that a number would round, as JSON spells them. */

declare global {
  interface JSON {
    /** What JSON.stringify writes as it is (ECMAScript, "JSON.parse source text access"). */
    rawJSON(text: string): object;
  }
}

const INTEGER = /^-?[1-9]\d*$/;
let areJson = false;

/** Whether a number may stand for another integer than was spelled. */
export function isRounded(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

/** The integer that is spelled so, if it is one that a number would round. JSON.stringify writes its digits. */
export function largeInteger(spelled: string): bigint | undefined {
  if (!INTEGER.test(spelled) || !isRounded(Number(spelled))) return undefined;
  if (!areJson) teachJson();
  return BigInt(spelled);
}

/** By itself JSON.stringify throws for a bigint, and whoever writes a message or a log would have to think of it. */
function teachJson(): void {
  areJson = true;
  Object.defineProperty(BigInt.prototype, "toJSON", {
    configurable: true,
    writable: true,
    value(this: bigint): object {
      return JSON.rawJSON(`${this}`);
    },
  });
}
