import assert from "node:assert/strict";
import { hashPassword, isHash, isPassword } from "./password_hash.ts";

Deno.test("hashPassword makes another hash each time, and isPassword knows the password of each", async () => {
  const [one, other] = await Promise.all([hashPassword("pässword"), hashPassword("pässword")]);
  assert.notEqual(one, other);
  assert(isHash(one));
  // As another system types it: a letter and its dots.
  for (const hash of [one, other]) assert(await isPassword("pa\u0308ssword", hash));
  for (const wrong of ["", "passwort", "pässword "]) assert(!await isPassword(wrong, one), wrong);
});

Deno.test("isPassword goes by the cost that stands in the hash", async () => {
  // Made by Python: hashlib.scrypt(b"secret", salt=bytes(16), n=2**14, r=8, p=1, dklen=32)
  const hash = "scrypt$14$8$1$AAAAAAAAAAAAAAAAAAAAAA$aLJr313a4S4tKM-skUSPwmGcnRd98oRU1CnCPv6T4_Q";
  assert(await isPassword("secret", hash));
});

Deno.test("isHash takes no hash that would cost all memory, or next to nothing", async () => {
  const salt = "A".repeat(22);
  const key = "A".repeat(43);
  for (const cost of ["13$8$1", "21$8$1", "15$7$1", "15$33$1", "15$8$0", "15$8$17", "x$8$1"]) {
    assert(!isHash(`scrypt$${cost}$${salt}$${key}`), cost);
    assert(!await isPassword("", `scrypt$${cost}$${salt}$${key}`));
  }
  assert(isHash(`scrypt$20$32$16$${salt}$${key}`));
  for (const other of ["", "secret", `scrypt$15$8$1$${salt}$`, `bcrypt$15$8$1$${salt}$${key}`]) {
    assert(!isHash(other));
  }
});
