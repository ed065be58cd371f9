import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { createSignature, verifySignature } from "http-message-sig";
import { makeKeyPair, parseKeyPair } from "./key_pair.ts";
import { requestSigner } from "./request_signature.ts";

// --- RFC 9421, appendix B: the key of B.1.4, the request of B.2, the signature of B.2.6 ---

const PEM = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----`;
const FIELDS = [
  { name: "Host", value: "example.com" },
  { name: "Date", value: "Tue, 20 Apr 2021 02:07:55 GMT" },
  { name: "Content-Type", value: "application/json" },
  { name: "Content-Length", value: "18" },
];
const REQUEST = {
  kind: "request",
  method: "POST",
  targetUri: "https://example.com/foo?param=Value&Pet=dog",
  fields: FIELDS,
} as const;
const COMPONENTS = ["date", "@method", "@path", "@authority", "content-type", "content-length"];
const SIGNATURE =
  "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";
const INPUT = 'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")' +
  ';created=1618884473;keyid="test-key-ed25519"';

Deno.test("a key pair signs and verifies the vector B.2.6 of RFC 9421 byte for byte", async () => {
  const { publicKey, sign } = parseKeyPair(PEM);
  const made = await createSignature(REQUEST, {
    label: "sig-b26",
    components: COMPONENTS,
    parameters: { created: 1618884473, keyid: "test-key-ed25519" },
    signer: { algorithm: "ed25519", sign },
  });
  assert.deepEqual(made, { signature: SIGNATURE, signatureInput: INPUT });
  const verify = (method: string, signature: string) =>
    verifySignature({
      ...REQUEST,
      method,
      fields: [...FIELDS, { name: "signature", value: signature }, { name: "signature-input", value: INPUT }],
    }, {
      policy: { algorithms: ["ed25519"], requiredComponents: COMPONENTS, requiredParameters: ["created"] },
      resolveVerifier: () => ({ algorithm: "ed25519", verify: publicKey.verify }),
    });
  assert.equal((await verify("POST", SIGNATURE)).parameters.keyid, "test-key-ed25519");
  await assert.rejects(verify("PUT", SIGNATURE), { code: "VerificationFailed" });
  await assert.rejects(verify("POST", SIGNATURE.replace("wqcA", "wqcB")), { code: "VerificationFailed" });
});

const DIGEST =
  "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

interface Vector {
  readonly label: string;
  readonly components: readonly string[];
  readonly parameters: Record<string, string>;
  /** Above the line of the parameters. */
  readonly lines: readonly string[];
  /** As that line has it. */
  readonly params: string;
}

/**
 * Of kinds of keys that we have none of: what is signed is the same text, whoever signs it. B.2.2 has a part of the query,
 * which http-message-sig does not know; a signature over one is refused.
 */
const OTHERS: readonly Vector[] = [
  {
    label: "B.2.1",
    ...{ components: [], parameters: { keyid: "test-key-rsa-pss", nonce: "b3k2pp5k7z-50gnwp.yemd" } },
    lines: [],
    params: '();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"',
  },
  {
    label: "B.2.3",
    components: [
      ...["date", "@method", "@path", "@query", "@authority", "content-type", "content-digest"],
      "content-length",
    ],
    parameters: { keyid: "test-key-rsa-pss" },
    lines: [
      '"date": Tue, 20 Apr 2021 02:07:55 GMT',
      '"@method": POST',
      '"@path": /foo',
      '"@query": ?param=Value&Pet=dog',
      '"@authority": example.com',
      '"content-type": application/json',
      `"content-digest": ${DIGEST}`,
      '"content-length": 18',
    ],
    params:
      '("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length")' +
      ';created=1618884473;keyid="test-key-rsa-pss"',
  },
];
const FULL_REQUEST = { ...REQUEST, fields: [...FIELDS, { name: "Content-Digest", value: DIGEST }] };

Deno.test("what is signed of a request is that of RFC 9421, B.2.1 and B.2.3, whatever key signs it", async (t) => {
  for (const { label, components, parameters, lines, params } of OTHERS) {
    await t.step(label, async () => {
      let signed = "";
      await createSignature(FULL_REQUEST, {
        ...{ label: "sig", components, parameters: { created: 1618884473, ...parameters } },
        signer: {
          algorithm: "rsa-pss-sha512",
          sign(data) {
            signed = new TextDecoder().decode(data);
            return new Uint8Array(1);
          },
        },
      });
      assert.equal(signed, [...lines, `"@signature-params": ${params}`].join("\n"));
    });
  }
});

Deno.test("a shared secret makes the signature B.2.5 of RFC 9421 byte for byte", async () => {
  const secret = Buffer.from(
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
    "base64",
  );
  const { signature } = await createSignature(FULL_REQUEST, {
    label: "sig-b25",
    components: ["date", "@authority", "content-type"],
    parameters: { created: 1618884473, keyid: "test-shared-secret" },
    signer: { algorithm: "hmac-sha256", sign: (data) => createHmac("sha256", secret).update(data).digest() },
  });
  assert.equal(signature, "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:");
});

Deno.test("requestSigner signs what RFC 9421 says, each time anew, and a WebSocket as the request it begins with", async () => {
  const { pair } = makeKeyPair();
  const sign = requestSigner(pair);
  const body = '{"a":"ä"}';
  for (
    const [url, target] of [
      ["https://example.com/mcp?x=1#part", "https://example.com/mcp?x=1"],
      ["wss://example.com:8443/ws", "https://example.com:8443/ws"],
      ["ws://example.com", "http://example.com/"],
    ] as const
  ) {
    const headers = await sign({ method: "POST", url: new URL(url), body });
    const { "signature-input": input = "", signature = "", "content-digest": digest = "" } = headers;
    const [, list = ""] = /^mcp=(.*)$/.exec(input) ?? [];
    assert.match(
      list,
      /^\("@method" "@target-uri" "content-digest"\);created=\d+;expires=\d+;nonce="[\w-]{22}";keyid="SHA256:[\w+/]{43}";tag="mcp"$/,
    );
    const base = [
      '"@method": POST',
      `"@target-uri": ${target}`,
      `"content-digest": ${digest}`,
      `"@signature-params": ${list}`,
    ].join("\n");
    const bytes = Buffer.from(/^mcp=:(.*):$/.exec(signature)?.[1] ?? "", "base64");
    assert(pair.publicKey.verify(new TextEncoder().encode(base), bytes), target);
  }
  const [one, other] = await Promise.all(
    [1, 2].map(() => sign({ method: "GET", url: new URL("http://host/sse") })),
  );
  assert.deepEqual(Object.keys(one ?? {}), ["signature-input", "signature"]);
  assert.notEqual(one?.["signature-input"], other?.["signature-input"]);
});
