/**
 * Whether the time that a wrong credential takes tells how much of it is right: measured as dudect does (Reparaz et al.,
 * 2017), by Welch's t of two classes in random order. Nothing is timed on a machine that has other work:
 * `CREDENTIAL_TIMING=1 deno test -A --config deno.dev.json src/auth/wrong_credentials_test.ts`.
 */
import assert from "node:assert/strict";
import { nobody } from "../../tests/support/nobody.ts";
import { Random } from "../../tests/support/random.ts";
import { apiKeys } from "./api_key/api_key.ts";
import { keyFile } from "./api_key/key_file.ts";
import { digestOf, makeKey } from "./api_key/key_text.ts";
import { type Authenticator, isDenial } from "./authenticator.ts";
import { basicUsers } from "./basic/basic.ts";
import { hashPassword } from "./basic/password_hash.ts";
import { userFile } from "./basic/user_file.ts";
import { bearerTokens } from "./bearer.ts";
import { Credentials } from "./credentials.ts";

const ignore = !Deno.env.has("CREDENTIAL_TIMING");
const [BLOCKS, CALLS] = [40_000, 10];
const GUESSES = 60;
/** Of each class as much is looked at as is not the work of others: interrupts and collections come in the rest. */
const KEPT = 0.9;
/** dudect's: beyond 10 two times differ, below 4.5 nothing is shown. */
const [LEAKS, NOTHING_SHOWN] = [10, 4.5];

/** What has been read of a request, up to the moment that it is judged. */
type Judge = (text: string) => () => unknown;

/** Two texts as long as the right one: wrong from the first character on, and right up to the last. */
function wrongOnes(right: string): readonly [string, string] {
  const other = (letter: string) => letter === "A" ? "B" : "A";
  const first = [...right].map(other).join("");
  return [first, right.slice(0, -1) + other(right.at(-1)!)];
}

function timesOf(judge: Judge, classes: readonly [string, string], seed: number): [number[], number[]] {
  const random = new Random(seed);
  const times: [number[], number[]] = [[], []];
  for (let block = 0; block < BLOCKS; block++) {
    const chosen = random.below(2);
    const calls = Array.from({ length: CALLS }, () => judge(classes[chosen]!));
    const since = performance.now();
    for (const call of calls) call();
    times[chosen]!.push(performance.now() - since);
  }
  return times;
}

/** Welch's t. */
function difference(classes: readonly [number[], number[]]): number {
  const [one, other] = classes.map((times) => {
    const kept = times.toSorted((a, b) => a - b).slice(0, Math.floor(times.length * KEPT));
    const mean = kept.reduce((sum, time) => sum + time, 0) / kept.length;
    const variance = kept.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (kept.length - 1);
    return { mean, error: variance / kept.length };
  }) as [{ mean: number; error: number }, { mean: number; error: number }];
  return (one.mean - other.mean) / Math.sqrt(one.error + other.error);
}

/** As a bearer token; `identify` is to let in nobody. */
function judgedBy(identify: Authenticator["identify"]): Judge {
  return (text) => {
    const credentials = credentialsOf(`Bearer ${text}`);
    return () => {
      const verdict = identify(credentials);
      if (verdict !== undefined && !("why" in verdict)) throw new Error("It was let in");
    };
  };
}

function credentialsOf(Authorization: string): Credentials {
  const request = new Request("http://127.0.0.1/mcp", { headers: { Authorization } });
  return new Credentials(request, nobody(), { apiKeyInQuery: false });
}

/** Milliseconds of each guess, of somebody who is there and of somebody who is not. */
async function timesOfGuesses({ identify }: Authenticator): Promise<[number[], number[]]> {
  const random = new Random(1);
  const times: [number[], number[]] = [[], []];
  for (let guess = 0; guess < GUESSES; guess++) {
    const chosen = random.below(2);
    const credentials = credentialsOf(`Basic ${btoa(`${["ann", "bob"][chosen]}:wrong ${guess}`)}`);
    const since = performance.now();
    const verdict = await identify(credentials);
    times[chosen]!.push(performance.now() - since);
    assert(verdict && isDenial(verdict));
  }
  return times;
}

function early(right: string): Judge {
  return (text) => () => {
    for (let at = 0; at < right.length; at++) if (text.charCodeAt(at) !== right.charCodeAt(at)) return false;
    return true;
  };
}

/** The least of three runs behind one that warms up: what differs differs each time. */
function shown(judge: Judge, classes: readonly [string, string]): number {
  timesOf(judge, classes, 0);
  return Math.min(...[1, 2, 3].map((seed) => Math.abs(difference(timesOf(judge, classes, seed)))));
}

Deno.test({
  name:
    "how much of a wrong credential is right, or whether its user exists, does not show in the time that it takes",
  ignore,
  async fn(t) {
    const folder = await Deno.makeTempDir();
    try {
      const key = makeKey();
      const createdAt = new Date().toISOString();
      const entry = { id: key.id, name: "ci", digest: digestOf(key.secret), scopes: [], createdAt };
      await keyFile.change(`${folder}/keys.json`, () => [entry]);
      const head = key.text.slice(0, -key.secret.length);
      const ofSecret = wrongOnes(key.secret).map((secret) => head + secret) as [string, string];
      // That it would be seen.
      const leak = shown(early(key.text), ofSecret);
      assert(leak > LEAKS, `${leak}`);
      const apiKey = apiKeys({ path: `${folder}/keys.json`, onUsed: () => {}, emit: () => {} });
      const bearer = bearerTokens({ token: key.secret, emit: () => {} });
      await userFile.change(`${folder}/users.json`, async () => [
        { name: "ann", hash: await hashPassword("right"), scopes: [], createdAt },
      ]);
      const basic = await basicUsers({ path: `${folder}/users.json`, emit: () => {} });
      const differences = {
        apiKey: shown(judgedBy(apiKey.identify), ofSecret),
        bearer: shown(judgedBy(bearer.identify), wrongOnes(key.secret)),
        basic: Math.abs(difference(await timesOfGuesses(basic))),
      };
      for (const [kind, found] of Object.entries({ leak, ...differences })) {
        // Whoever looks sees the figure.
        await t.step(
          `${kind}: t = ${found.toFixed(2)}`,
          () => assert(kind === "leak" || found < NOTHING_SHOWN),
        );
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
