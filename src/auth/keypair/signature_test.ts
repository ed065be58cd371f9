import assert from "node:assert/strict";
import { digestOf, Signatory, signed, type Signing } from "../../../tests/support/signed.ts";
import { isDenial } from "../authenticator.ts";
import { parseAuthorizedKeys } from "./authorized_keys.ts";
import { Nonces } from "./nonces.ts";
import { judgeSignature, type Judging } from "./signature.ts";

const URL = "https://gateway.example/mcp";
const ci = new Signatory();
const KEYS = parseAuthorizedKeys(`${ci.line} ci tools`, () => true);

function judge(more: Partial<Judging> = {}) {
  const judging: Judging = {
    ...{
      keyOf: (fingerprint) => KEYS.get(fingerprint),
      nonces: new Nonces({ max: 10, windowS: 180 }),
      skewS: 60,
      sinceS: 0,
    },
    ...more,
  };
  return async (headers: Record<string, string>, init: RequestInit = {}) => {
    const verdict = await judgeSignature(new Request(URL, { ...init, headers }), URL, judging);
    return isDenial(verdict) ? verdict.why : verdict.principal.name;
  };
}

Deno.test("judgeSignature bounds by how much clocks differ, and how long a signature may last", async () => {
  const ask = judge();
  const at = (created: number, expires: number) => ask(signed(ci, { url: URL, created, expires }));
  assert.equal(await at(-75, -45), "keypair/ci");
  assert.equal(await at(-120, -90), "expired");
  assert.equal(await at(1, 31), "keypair/ci");
  for (const ahead of [30, 45, 120]) assert.equal(await at(ahead, ahead + 30), "not valid yet");
  assert.equal(await at(0, 60), "keypair/ci");
  for (const [created, expires] of [[0, 61], [0, 0], [10, 5]] as const) {
    assert.equal(await at(created, expires), "malformed", `${created} to ${expires}`);
  }
  const exact = judge({ skewS: 0 });
  assert.equal(await exact(signed(ci, { url: URL, created: 60, expires: 90 })), "not valid yet");
  assert.equal(await exact(signed(ci, { url: URL, created: -40, expires: -5 })), "expired");
});

Deno.test("judgeSignature takes no signature that may have been used before the start", async () => {
  const ask = judge({ sinceS: Math.floor(Date.now() / 1000) - 10 });
  assert.equal(await ask(signed(ci, { url: URL, created: -20 })), "from before the start");
  assert.equal(await ask(signed(ci, { url: URL, created: -5 })), "keypair/ci");
});

/** In seconds since 1970. */
function createdOf(headers: Record<string, string>): number {
  return Number(/;created=(\d+);/.exec(headers["signature-input"] ?? "")?.[1]);
}

Deno.test("judgeSignature takes none from the second of the start, in which it may have been used before", async () => {
  const headers = signed(ci, { url: URL });
  const sinceS = createdOf(headers);
  assert.equal(await judge({ sinceS })(headers), "from before the start");
  assert.equal(await judge({ sinceS: sinceS - 1 })(headers), "keypair/ci");
});

Deno.test("judgeSignature lets nobody in before the time at which he says to have signed", async () => {
  const ask = judge();
  const early = signed(ci, { url: URL, created: 2 });
  assert.deepEqual((await Promise.all([ask(early), ask(early)])).sort(), ["keypair/ci", "replayed"]);
  // So that a gateway which is started after that takes it for one from before its start.
  const sinceS = Math.floor(Date.now() / 1000);
  assert(sinceS >= createdOf(early));
  assert.equal(await judge({ sinceS })(early), "from before the start");
});

Deno.test("judgeSignature lets in nobody whose nonce cannot be remembered", async () => {
  const ask = judge({ nonces: new Nonces({ max: 2, windowS: 180 }) });
  const first = signed(ci, { url: URL });
  assert.equal(await ask(first), "keypair/ci");
  assert.equal(await ask(signed(ci, { url: URL })), "one too many");
  assert.equal(await ask(first), "replayed");
});

Deno.test("judgeSignature spends no nonce of another key, and none on what is wrong", async () => {
  const other = new Signatory();
  const both = parseAuthorizedKeys(`${ci.line} ci\n${other.line} other`, () => true);
  const ask = judge({ keyOf: (fingerprint) => both.get(fingerprint) });
  const nonce = "the same";
  assert.equal(await ask(signed(other, { url: URL, nonce })), "keypair/other");
  assert.equal(await ask(signed(other, { url: URL, nonce, keyid: ci.fingerprint })), "wrong");
  assert.equal(await ask(signed(ci, { url: URL, nonce })), "keypair/ci");
});

Deno.test("judgeSignature finds ours among the signatures of others, and takes none that is in doubt", async () => {
  const ask = judge();
  const { signature = "", "signature-input": input = "" } = signed(ci, { url: URL });
  const named = (label: string) => [signature, input].map((field) => field.replace(/^sig=/, `${label}=`));
  const [ours = "", oursInput = ""] = named("mcp");
  const beside = {
    signature: `proxy=:AAAA:, ${ours}`,
    "signature-input": `proxy=("@method");created=1;keyid="p", ${oursInput}`,
  };
  assert.equal(await ask(beside), "keypair/ci");
  const [again = "", againInput = ""] = named("other");
  assert.equal(
    await ask({ signature: `proxy=:AAAA:, ${again}`, "signature-input": `proxy=("@method"), ${againInput}` }),
    "malformed",
  );
  assert.equal(
    await ask({ signature: `${ours}, ${ours}`, "signature-input": `${oursInput}, ${oursInput}` }),
    "malformed",
  );
});

Deno.test("judgeSignature wants the digest signed wherever a body may come, and reads fields of any order", async () => {
  const signing: Signing = { url: URL, method: "POST", body: "{}" };
  const ask = judge();
  const post = { method: "POST", body: "{}" };
  assert.equal(await ask(signed(ci, signing), post), "keypair/ci");
  const bare = signed(ci, { ...signing, components: ["@method", "@target-uri"] });
  assert.equal(await ask(bare, post), "incomplete");
  const more: Signing = {
    ...signing,
    fields: { "mcp-session-id": "s" },
    components: ["content-digest", "mcp-session-id", "@target-uri", "@method"],
  };
  assert.equal(await ask({ ...signed(ci, more), "Mcp-Session-Id": "s" }, post), "keypair/ci");
  assert.equal(await ask({ ...signed(ci, more), "Mcp-Session-Id": "t" }, post), "wrong");
  assert.equal(await ask(signed(ci, more), post), "incomplete");
  assert.equal(
    await ask({ ...signed(ci, signing), "X-Name": "\u00e9" }, post),
    "keypair/ci",
    "what is no ASCII is not signed",
  );
});

Deno.test("judgeSignature lets no body pass whose digest is there and not signed", async () => {
  const judging = {
    keyOf: () => KEYS.get(ci.fingerprint),
    nonces: new Nonces({ max: 1, windowS: 180 }),
    skewS: 0,
    sinceS: 0,
  };
  const headers = { ...signed(ci, { url: URL }), "content-digest": digestOf("{}") };
  const verdict = await judgeSignature(new Request(URL, { headers }), URL, judging);
  assert(!isDenial(verdict));
  verdict.body?.update(new TextEncoder().encode("{}"));
  assert.equal(verdict.body?.fits(), false);
});

Deno.test("judgeSignature takes no other algorithm and no component by halves", async () => {
  const ask = judge();
  const { signature = "", "signature-input": input = "" } = signed(ci, { url: URL });
  assert.equal(await ask({ signature, "signature-input": `${input};alg="hmac-sha256"` }), "incomplete");
  assert.equal(await ask({ signature, "signature-input": `${input};alg="ed25519"` }), "wrong");
  for (
    const part of ['"@query-param";name="a"', '"x-a";sf', '"x-a";bs', '"@method";req', '"@unknown"', "sig"]
  ) {
    assert.equal(
      await ask({ signature, "signature-input": input.replace('"@method"', part), "X-A": "1" }),
      "malformed",
      part,
    );
  }
});
