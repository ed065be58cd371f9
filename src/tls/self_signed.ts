/** A certificate that vouches for itself: who is to trust it has to be told to (RFC 5280). */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { addressBytes } from "./address.ts";
import { DAY_MS } from "./certificate.ts";
import { bits, element, integer, objectId, octets, sequence, text, time } from "./der.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Clocks of clients may be behind ours. */
const BACKDATED_MS = DAY_MS;
const NAME = "Keystone, self-signed";
const ECDSA_WITH_SHA256 = sequence(objectId("1.2.840.10045.4.3.2"));
const TRUE = element(0x01, Uint8Array.of(0xff));

interface SelfSignedOptions {
  /** Host names and IP addresses. */
  readonly names: readonly string[];
  readonly validMs: number;
  /** Milliseconds since 1970. */
  readonly now?: number;
}

/** PEM texts, with a key on P-256 that nobody else has. */
export function makeSelfSigned({ names, validMs, now = Date.now() }: SelfSignedOptions) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(element(0x31, sequence(objectId("2.5.4.3"), text(NAME))));
  const body = sequence(
    element(0xa0, integer(2)),
    // Positive, and of another one for each (section 4.1.2.2).
    integer(...randomBytes(16).with(0, 0x4b)),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(new Date(now - BACKDATED_MS)), time(new Date(now + validMs))),
    name,
    spki(publicKey),
    element(0xa3, sequence(...extensions(names, publicKey))),
  );
  const signature = Uint8Array.from(sign("sha256", body, privateKey));
  return {
    cert: pem(sequence(body, ECDSA_WITH_SHA256, bits(signature))),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** Of a server, and of no authority: many clients take none that is one. */
function extensions(names: readonly string[], publicKey: KeyObject): Bytes[] {
  const keyId = Uint8Array.from(createHash("sha1").update(spki(publicKey)).digest());
  return [
    extension("2.5.29.19", sequence(), TRUE),
    // Signatures alone; seven of its bits do not count.
    extension("2.5.29.15", element(0x03, Uint8Array.of(7, 0x80)), TRUE),
    extension("2.5.29.37", sequence(objectId("1.3.6.1.5.5.7.3.1"))),
    extension("2.5.29.14", octets(keyId)),
    extension("2.5.29.17", sequence(...names.map(generalName))),
  ];
}

function extension(id: string, value: Bytes, ...critical: readonly Bytes[]): Bytes {
  return sequence(objectId(id), ...critical, octets(value));
}

/** Section 4.2.1.6. */
function generalName(name: string): Bytes {
  const address = addressBytes(name);
  return address ? element(0x87, address) : element(0x82, new TextEncoder().encode(name));
}

function spki(publicKey: KeyObject): Bytes {
  return Uint8Array.from(publicKey.export({ type: "spki", format: "der" }));
}

function pem(der: Bytes): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
