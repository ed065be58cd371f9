import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { printedBy } from "../../../tests/support/programs.ts";
import { makeKeyPair, parseKeyPair } from "./key_pair.ts";
import { parseKeyLine, publicKeyOf } from "./public_key.ts";

const DATA = new TextEncoder().encode("what is signed");

Deno.test("makeKeyPair makes what parseKeyPair reads, and each verifies what the other has signed", () => {
  const { pair, pem } = makeKeyPair();
  const read = parseKeyPair(pem);
  assert.equal(read.publicKey.line, pair.publicKey.line);
  assert(pair.publicKey.verify(DATA, read.sign(DATA)));
  assert(!pair.publicKey.verify(new Uint8Array(3), read.sign(DATA)));
  assert(!makeKeyPair().pair.publicKey.verify(DATA, read.sign(DATA)));
  assert(!pair.publicKey.verify(DATA, new Uint8Array(3)));
});

Deno.test("parseKeyLine reads a key of OpenSSH and one line of PEM, with all that stands behind", () => {
  const { pair: { publicKey } } = makeKeyPair();
  const blob = Buffer.from(publicKey.line.split(" ")[1] ?? "", "base64");
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), blob.subarray(-32)]);
  for (const line of [`${publicKey.line} ci a,b`, `  ${spki.toString("base64")}\tci a b  `]) {
    const { key, words } = parseKeyLine(line);
    assert.deepEqual([key.fingerprint, words], [publicKey.fingerprint, ["ci", "a", "b"]]);
  }
  const base64 = blob.toString("base64");
  for (
    const [line, expected] of [
      ["ssh-rsa AAAAB3NzaC1yc2E x", /expected a key of Ed25519 \(ssh-ed25519\)/],
      ["ecdsa-sha2-nistp256 AAAA x", /expected a key of Ed25519/],
      ["ssh-ed25519", /expected ssh-ed25519 and a key/],
      ["ssh-ed25519 %%%% x", /expected ssh-ed25519 and a key/],
      [`ssh-ed25519 ${base64.slice(0, 60)} x`, /cut off/],
      [`ssh-ed25519 ${blob.subarray(0, -1).toString("base64")} x`, /cut off/],
      [`no-pty ${publicKey.line} x`, /expected ssh-ed25519 and a key/],
      [`${spki.subarray(0, -1).toString("base64")} x`, /has 32 bytes/],
      [`ssh-ed25519 ${Buffer.concat([blob, Buffer.from("x")]).toString("base64")}`, /expected ssh-ed25519/],
    ] as const
  ) assert.throws(() => parseKeyLine(line), expected, line);
  assert.throws(() => publicKeyOf(new Uint8Array(31)), /32 bytes/);
});

Deno.test("parseKeyPair says what is wrong with a key, and shows nothing of it", () => {
  const { pair: { publicKey }, pem } = makeKeyPair();
  const body = pem.split("\n")[1] ?? "";
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (
    const [text, expected] of [
      ["", /expected a private key of Ed25519, as keystone keypair generate/],
      [publicKey.line, /^this is a public key; expected a private key/],
      [pem.replace(body, body.slice(0, 20)), /the private key is broken/],
      [pem.replaceAll("PRIVATE", "ENCRYPTED PRIVATE"), /is encrypted.*"openssl pkey/],
      [pem.replaceAll("PRIVATE", "OPENSSH PRIVATE"), /of OpenSSH is broken/],
      [String(privateKey.export({ type: "pkcs8", format: "pem" })), /of Ed25519, and this is one of ec$/],
    ] as const
  ) {
    assert.throws(() => parseKeyPair(text), (error: Error) => {
      assert.match(error.message, expected);
      assert(!error.message.includes(body.slice(-20)));
      return true;
    });
  }
});

Deno.test({
  name: "parseKeyPair reads what ssh-keygen makes, and says of an encrypted key how to decrypt it",
  ignore: await printedBy("ssh", "-V") === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    const made = async (name: string, ...args: string[]) => {
      const path = `${folder}/${name}`;
      assert(await printedBy("ssh-keygen", "-q", "-f", path, "-C", "me@here", ...args) !== undefined);
      return { path, text: await Deno.readTextFile(path) };
    };
    const plain = await made("plain", "-t", "ed25519", "-N", "");
    const pair = parseKeyPair(plain.text);
    const { key, words } = parseKeyLine(await Deno.readTextFile(`${plain.path}.pub`));
    assert.deepEqual([key.line, words], [pair.publicKey.line, ["me@here"]]);
    assert(key.verify(DATA, pair.sign(DATA)));
    const shown = await printedBy("ssh-keygen", "-l", "-f", plain.path);
    assert(shown?.includes(key.fingerprint), shown);
    // Windows ends lines in its own way.
    assert.equal(parseKeyPair(plain.text.replaceAll("\n", "\r\n")).publicKey.line, key.line);
    const locked = await made("locked", "-t", "ed25519", "-N", "s3cret phrase");
    assert.throws(() => parseKeyPair(locked.text), /is encrypted, .*"ssh-keygen -p -N '' -f FILE"/);
    const other = await made("other", "-t", "ecdsa", "-N", "");
    assert.throws(() => parseKeyPair(other.text), /expected a private key of Ed25519 .* ecdsa-sha2-nistp256/);
    for (let length = 100; length < plain.text.length - 40; length += 7) {
      const end = "\n-----END OPENSSH PRIVATE KEY-----\n";
      assert.throws(() => parseKeyPair(plain.text.slice(0, length) + end), Error);
    }
    await Deno.remove(folder, { recursive: true });
  },
});
