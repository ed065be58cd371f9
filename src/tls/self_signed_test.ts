import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { belongTogether, DAY_MS, factsOf, isSameName, namesOf } from "./certificate.ts";
import { makeSelfSigned } from "./self_signed.ts";

const NAMES = ["localhost", "127.0.0.1", "::1", "box.example", "::ffff:192.0.2.7"];

Deno.test("makeSelfSigned makes a certificate that is signed with its own key, for all its names", () => {
  const { cert, key } = makeSelfSigned({ names: NAMES, validMs: DAY_MS });
  const certificate = new X509Certificate(cert);
  assert.equal(certificate.ca, false);
  assert(certificate.checkPrivateKey(createPrivateKey(key)));
  const known = namesOf(cert);
  assert.equal(known.length, NAMES.length);
  for (const name of NAMES) assert(known.some((one) => isSameName(one, name)), name);
});

Deno.test("makeSelfSigned makes another key and another certificate each time", () => {
  const [one, other] = [1, 2].map(() => makeSelfSigned({ names: NAMES, validMs: DAY_MS }));
  assert(one && other);
  assert.notEqual(factsOf(one.cert)?.fingerprint, factsOf(other.cert)?.fingerprint);
  assert(belongTogether(one.cert, one.key));
  assert(!belongTogether(one.cert, other.key));
  assert(!belongTogether(one.cert, "no key"));
});

Deno.test("makeSelfSigned writes times of both kinds, and as many names as there are", () => {
  const now = Date.UTC(2049, 11, 31);
  const names = Array.from({ length: 200 }, (_, index) => `host-${index}.example`);
  const { cert } = makeSelfSigned({ names, validMs: 2 * DAY_MS, now });
  assert.deepEqual(namesOf(cert), names);
  assert.equal(factsOf(cert)?.validUntil, Date.UTC(2050, 0, 2));
  assert.equal(Date.parse(new X509Certificate(cert).validFrom), Date.UTC(2049, 11, 30));
});
