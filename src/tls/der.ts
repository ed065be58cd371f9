/** Values as DER writes them (X.690): as much of it as a certificate needs. */
import { joinedBytes } from "../base/joined_bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a value is: a tag, its length, and what it holds. */
export function element(tag: number, ...parts: readonly Bytes[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return joinedBytes(Uint8Array.of(tag, ...lengthBytes(length)), ...parts);
}

export function sequence(...parts: readonly Bytes[]): Bytes {
  return element(0x30, ...parts);
}

/** Not below zero: the bytes of one without a sign. */
export function integer(...bytes: readonly number[]): Bytes {
  const [first = 0] = bytes;
  return element(0x02, Uint8Array.of(...first > 0x7f ? [0] : [], ...bytes));
}

export function objectId(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(0x06, Uint8Array.of(first * 40 + second, ...rest.flatMap(inSevens)));
}

export function octets(...parts: readonly Bytes[]): Bytes {
  return element(0x04, ...parts);
}

/** Without bits that do not count. */
export function bits(bytes: Bytes): Bytes {
  return element(0x03, Uint8Array.of(0), bytes);
}

export function text(value: string): Bytes {
  return element(0x0c, new TextEncoder().encode(value));
}

/** From 2050 on it is written in another way (RFC 5280, section 4.1.2.5). */
export function time(date: Date): Bytes {
  const digits = `${date.toISOString().slice(0, 19).replace(/\D/g, "")}Z`;
  const isShort = date.getUTCFullYear() < 2050;
  return element(isShort ? 0x17 : 0x18, new TextEncoder().encode(isShort ? digits.slice(2) : digits));
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>= 8) bytes.unshift(left & 0xff);
  return [0x80 | bytes.length, ...bytes];
}

function inSevens(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) bytes.unshift(0x80 | (left & 0x7f));
  return bytes;
}
