import assert from "node:assert/strict";
import { settled } from "../../tests/support/far_end.ts";
import { nobody, somebody } from "../../tests/support/nobody.ts";
import { recorder } from "../../tests/support/recorder.ts";
import type { Caller } from "../core/caller.ts";
import { messageOf, RequestError, toResponse } from "../core/errors.ts";
import { type AttemptLimit, authentication, type AuthenticationOptions } from "./authentication.ts";
import { Tickets } from "./tickets.ts";
import type { Authenticator, AuthKind, Verdict } from "./authenticator.ts";

const IDENTITY = { principal: { name: "apiKey/ci" }, scopes: ["a"], credential: "1" };
const LET_IN = new Response("in");

function kind(name: AuthKind, verdict: Verdict | Promise<Verdict>, asked: string[] = []): Authenticator {
  return {
    kind: name,
    challenge: (failure) => `${name}${failure ? ' error="x"' : ""}`,
    identify() {
      asked.push(name);
      return verdict;
    },
  };
}

function policy(
  authenticators: readonly Authenticator[],
  more: Partial<AuthenticationOptions> = {},
  asking = nobody,
) {
  const record = recorder();
  const guard = authentication({
    ...{
      authenticators,
      optional: false,
      anonymousScopes: [],
      apiKeyInQuery: false,
      tickets: new Tickets(),
    },
    publicUrl: () => undefined,
    emit: record.emit,
    ...more,
  });
  const callers: Caller[] = [];
  return {
    ...record,
    callers,
    ask: (headers: Record<string, string> = { "X-API-Key": "k" }, query = "", method = "GET") =>
      guard<Response>(
        new Request(`http://127.0.0.1/sse${query}`, { headers, method }),
        asking(),
        (_, caller) => {
          callers.push(caller);
          return LET_IN;
        },
      ),
  };
}

Deno.test("authentication lets in by any one kind, and costs no promise where none waits", () => {
  const asked: string[] = [];
  const { ask, callers } = policy([kind("bearer", undefined, asked), kind("apiKey", IDENTITY, asked)]);
  assert.equal(ask(), LET_IN);
  assert.deepEqual(asked, ["bearer", "apiKey"]);
  assert.deepEqual([callers[0]?.principal, callers[0]?.scopes], [IDENTITY.principal, ["a"]]);
});

Deno.test("authentication asks the kinds behind one that waits, and tells the first reason where none lets in", async () => {
  for (const later of [undefined, { why: "expired" } as const]) {
    const { ask } = policy([kind("bearer", Promise.resolve(later)), kind("apiKey", IDENTITY)]);
    assert.equal(await ask(), LET_IN);
  }
  const refused = policy([
    kind("bearer", Promise.resolve({ why: "expired", credential: "b" } as const)),
    kind("apiKey", Promise.resolve({ why: "unknown" } as const)),
  ]);
  await assert.rejects(async () => await refused.ask(), { logged: "Unauthorized: bearer b is expired" });
  const [event] = refused.events;
  assert.deepEqual([event?.type, event && "reason" in event && event.reason], ["auth.refused", "expired"]);
});

Deno.test("authentication says what is accepted, of one kind as of several", () => {
  const says = (...kinds: AuthKind[]) => {
    try {
      policy(kinds.map((name) => kind(name, undefined))).ask({});
    } catch (error) {
      return messageOf(error);
    }
  };
  assert.match(says("bearer") ?? "", /; accepted is bearer$/);
  assert.match(says("bearer", "apiKey") ?? "", /; accepted are bearer, apiKey$/);
});

Deno.test("authentication tells each kind in its answer, once where two say the same", async () => {
  const { ask } = policy([kind("bearer", undefined), kind("apiKey", undefined)]);
  assert.throws(() => ask({}), (error: RequestError) => {
    const { status, headers } = toResponse(error);
    assert.deepEqual([status, headers.get("www-authenticate")], [401, "bearer, apiKey"]);
    return true;
  });
  const alike = policy([kind("bearer", undefined), kind("bearer", undefined)]);
  assert.throws(() => alike.ask(), (error: RequestError) => {
    assert.equal(error.headers["WWW-Authenticate"], 'bearer error="x"');
    return true;
  });
  await Promise.resolve();
});

/** Who has to wait, or need not. */
function limit(asked: string[], refusal?: RequestError): AttemptLimit {
  return {
    refusal() {
      asked.push("limit");
      return refusal;
    },
    failed: () => void asked.push("failed"),
  };
}

Deno.test("authentication asks nobody where anybody may ask, and takes no attempt for one", () => {
  const asked: string[] = [];
  const asking = () => {
    const caller = nobody();
    caller.foundOpen("anybody");
    return caller;
  };
  const { ask, callers } = policy([kind("apiKey", IDENTITY, asked)], { attempts: limit(asked) }, asking);
  assert.equal(ask(), LET_IN);
  assert.deepEqual([asked, callers[0]?.principal], [[], undefined]);
});

Deno.test("authentication counts what failed and not what was missing, and asks the limit first", async () => {
  const asked: string[] = [];
  const { ask } = policy([kind("apiKey", { why: "wrong" })], { attempts: limit(asked) });
  assert.throws(() => ask({}), { status: 401 });
  assert.deepEqual(asked, []);
  assert.throws(() => ask(), { status: 401 });
  assert.deepEqual(asked, ["limit", "failed"]);
  const later = policy([kind("apiKey", Promise.resolve({ why: "wrong" } as const))], {
    attempts: limit(asked),
  });
  await assert.rejects(async () => await later.ask(), { status: 401 });
  // Once more when the verdict is there.
  assert.deepEqual(asked, ["limit", "failed", "limit", "limit", "failed"]);
});

Deno.test("authentication does not judge what can be guessed while its address has to wait, and lets in what cannot", async () => {
  const asked: string[] = [];
  const attempts = limit(asked, new RequestError("later", { status: 429 }));
  const shut = policy([kind("bearer", IDENTITY, asked)], { attempts });
  assert.throws(() => shut.ask(), { status: 429 });
  // Neither judged nor counted, but told of.
  assert.deepEqual(asked, ["limit"]);
  assert.deepEqual(shut.events.map((event) => "reason" in event && event.reason), ["one of too many"]);
  for (const verdict of [IDENTITY, Promise.resolve(IDENTITY)]) {
    const open = policy([kind("bearer", undefined), { ...kind("apiKey", verdict), unguessable: true }], {
      attempts,
    });
    assert.equal(await open.ask(), LET_IN);
  }
  for (const verdict of [{ why: "wrong" } as const, Promise.resolve({ why: "wrong" } as const)]) {
    const wrong = policy([{ ...kind("apiKey", verdict), unguessable: true }], { attempts });
    await assert.rejects(async () => await wrong.ask(), { status: 429 });
  }
  assert(!asked.includes("failed"));
});

Deno.test("authentication lets no right guess in among many of one moment, of which one has failed", async () => {
  let limited: RequestError | undefined;
  const verdicts = [Promise.withResolvers<Verdict>(), Promise.withResolvers<Verdict>()] as const;
  let asked = 0;
  const slow = { ...kind("basic", undefined), identify: () => verdicts[asked++]!.promise };
  const { ask } = policy([slow], {
    attempts: {
      refusal: () => limited,
      failed: () => void (limited = new RequestError("later", { status: 429 })),
    },
  });
  const answers = Promise.allSettled([ask(), ask()]);
  verdicts[0].resolve({ why: "wrong" });
  await settled();
  verdicts[1].resolve(IDENTITY);
  const statuses = (await answers).map((answer) => answer.status === "rejected" && answer.reason.status);
  assert.deepEqual(statuses, [401, 429]);
});

Deno.test("authentication takes a ticket while its address has to wait, and nothing for one that is none", () => {
  const tickets = new Tickets();
  const attempts = limit([], new RequestError("later", { status: 429 }));
  const { ask } = policy([kind("bearer", IDENTITY)], { attempts, tickets });
  const { ticket } = tickets.issue(somebody("bearer/ci"));
  assert.equal(ask({}, `?ticket=${ticket}`), LET_IN);
  assert.throws(() => ask({}, `?ticket=${ticket}`), { status: 429 });
});

Deno.test("authentication that is optional grants its own scopes to who brings nothing, and refuses what is wrong", () => {
  const more = { optional: true, anonymousScopes: ["look"] };
  const { ask, callers } = policy([kind("apiKey", { why: "wrong" })], more);
  assert.equal(ask({}), LET_IN);
  assert.deepEqual([callers[0]?.principal, callers[0]?.scopes], [undefined, ["look"]]);
  assert.throws(() => ask(), { status: 401 });
});

Deno.test("authentication reads no credential that is longer than any can be", () => {
  const asked: string[] = [];
  const { ask } = policy([kind("apiKey", IDENTITY, asked)]);
  for (const header of ["X-API-Key", "Authorization"]) {
    assert.throws(() => ask({ [header]: "x".repeat(20_000) }), { logged: /too large/ });
  }
  assert.deepEqual(asked, []);
});

Deno.test("authentication says of what is left that it is too long, where nothing else is right", () => {
  const { ask } = policy([kind("apiKey", undefined)]);
  const long = "x".repeat(20_000);
  for (
    const headers of [{ "X-API-Key": long, Authorization: "Basic eA==" }, {
      "X-API-Key": "k",
      Authorization: long,
    }]
  ) {
    assert.throws(() => ask(headers), { logged: /too large/ });
  }
});

Deno.test("authentication counts a wrong guess that comes beside a right key, and lets its sender in", async () => {
  const wrong = { why: "wrong", credential: "ann" } as const;
  for (const first of [wrong, Promise.resolve(wrong)]) {
    const failed: unknown[] = [];
    const attempts = { refusal: () => undefined, failed: () => void failed.push("failed") };
    const key = { ...kind("apiKey", IDENTITY), unguessable: true } as const;
    const { ask, events } = policy([kind("basic", first), key], { attempts });
    assert.equal(await ask(), LET_IN);
    assert.deepEqual(failed, ["failed"]);
    assert.deepEqual(events.map(({ type }) => type), ["auth.refused", "auth.accepted"]);
    // Nor does it hide behind something that nobody guesses.
    const junk = { ...kind("apiKey", { why: "malformed" }), unguessable: true } as const;
    const signature = { ...kind("keypair", IDENTITY), unguessable: true } as const;
    const hidden = policy([junk, kind("basic", first), signature], { attempts });
    assert.equal(await hidden.ask(), LET_IN);
    assert.deepEqual([failed.splice(1), hidden.events.map(({ type }) => type)], [
      ...[["failed"], ["auth.refused", "auth.accepted"]],
    ]);
    // What could never be right is none.
    const odd = policy([kind("basic", { why: "malformed" }), signature], { attempts });
    assert.equal(await odd.ask(), LET_IN);
    // What nobody guesses may well be for somebody else.
    const other = policy([{ ...kind("jwt", first), unguessable: true }, key], { attempts });
    assert.equal(await other.ask(), LET_IN);
    assert.deepEqual([failed.length, other.events.map(({ type }) => type)], [1, ["auth.accepted"]]);
  }
});

Deno.test("authentication judges a signature, however long what stands beside it is", () => {
  const long = "x".repeat(20_000);
  const { ask } = policy([kind("keypair", IDENTITY)], { publicUrl: () => "http://127.0.0.1/sse" });
  assert.equal(ask({ Signature: "x", Authorization: long }), LET_IN);
  assert.throws(() => ask({ Authorization: long }), { logged: /too large/ });
});

Deno.test("authentication takes a signature for credentials where key pairs are a kind, and for nothing elsewhere", () => {
  for (const name of ["Signature", "Signature-Input"]) {
    assert.equal(policy([kind("keypair", IDENTITY)]).ask({ [name]: "x" }), LET_IN);
    assert.throws(() => policy([kind("apiKey", IDENTITY)]).ask({ [name]: "x" }), { message: /are needed/ });
    const optional = policy([kind("keypair", { why: "wrong" })], { optional: true });
    assert.throws(() => optional.ask({ [name]: "x" }), { status: 401 });
  }
});

Deno.test("authentication asks to come again later where it cannot tell, and takes that for no failed attempt", () => {
  const asked: string[] = [];
  const attempts = { refusal: () => undefined, failed: () => void asked.push("failed") };
  const { ask, events } = policy([kind("keypair", { why: "one too many", busy: true })], { attempts });
  assert.throws(() => ask({ Signature: "x" }), { status: 503 });
  assert.deepEqual([asked, events.map(({ type }) => type)], [[], ["auth.refused"]]);
});

Deno.test("authentication that goes by the body, too, refuses another one once it has come", () => {
  let right = false;
  const body = { update: () => {}, fits: () => right };
  const failed: unknown[] = [];
  const attempts = { refusal: () => undefined, failed: () => void failed.push("failed") };
  const { ask, callers, events } = policy([kind("keypair", { ...IDENTITY, body })], { attempts });
  assert.equal(ask({ Signature: "x" }), LET_IN);
  const [caller] = callers;
  assert.throws(() => caller?.bodyCheck?.end(), {
    status: 401,
    logged: "Unauthorized: keypair 1 is that of another body",
  });
  assert.deepEqual([failed, events.map(({ type }) => type)], [["failed"], ["auth.accepted", "auth.refused"]]);
  right = true;
  caller?.bodyCheck?.end();
});

Deno.test("authentication tells each kind what is needed where no credentials came", () => {
  const resource = { audiences: new Set<string>(), scopes: ["a", "b"], emit: () => {} };
  const resources = { at: () => resource, metadataUrl: () => "https://host/m" };
  const demands: unknown[] = [];
  const telling = {
    ...kind("jwt", IDENTITY),
    challenge(_: unknown, demand: unknown) {
      demands.push(demand);
      return "jwt";
    },
  };
  const { ask } = policy([telling], { resources: () => resources });
  assert.throws(() => ask({}), { status: 401 });
  assert.deepEqual(demands, [{ scopes: ["a", "b"], metadataUrl: "https://host/m" }]);
});

Deno.test("authentication counts whom it refuses as a stranger, and tells that one what the limit says in place of 401", async () => {
  const wrong = { why: "wrong" } as const;
  const tooMany = new RequestError("too many", { status: 429 });
  const body = { update: () => {}, fits: () => false };
  for (const verdict of [wrong, Promise.resolve(wrong)]) {
    for (const headers of [{}, { "X-API-Key": "k" }]) {
      for (const refusal of [undefined, tooMany]) {
        const counted: Caller[] = [];
        const { ask } = policy([kind("apiKey", verdict)], {
          strangerRefusal(caller) {
            counted.push(caller);
            return refusal;
          },
        });
        await assert.rejects(async () => await ask(headers), { status: refusal ? 429 : 401 });
        assert.equal(counted.length, 1);
      }
    }
  }
  const { ask, callers } = policy([kind("keypair", { ...IDENTITY, body })], {
    strangerRefusal: () => tooMany,
  });
  assert.equal(ask({ Signature: "x" }), LET_IN);
  assert.throws(() => callers[0]?.bodyCheck?.end(), tooMany);
});

Deno.test("authentication says which refusals cost nothing to come again, and names what was somebody's once", () => {
  const attempts = limit([], new RequestError("later", { status: 429 }));
  const told = (
    verdict: Verdict,
    headers: Record<string, string>,
    more: Partial<AuthenticationOptions> = {},
  ) => {
    const { ask, events } = policy([{ ...kind("apiKey", verdict), unguessable: true }], more);
    assert.throws(() => ask(headers));
    return events;
  };
  const refused = { type: "auth.refused", kind: undefined, credential: undefined, address: undefined };
  const key = { "X-API-Key": "k" };
  assert.deepEqual(told(undefined, {}), [{ ...refused, reason: "absent", countable: true }]);
  const judged = { ...refused, kind: "apiKey", credential: "1" };
  assert.deepEqual(told({ why: "wrong", credential: "1" }, key), [{ ...judged, reason: "wrong" }]);
  for (const why of ["wrong", "unknown"] as const) {
    assert.deepEqual(told({ why, credential: "1" }, key, { attempts }), [
      { ...refused, reason: "one of too many", countable: true },
    ]);
  }
  for (const why of ["revoked", "expired"] as const) {
    assert.deepEqual(told({ why, credential: "1" }, key, { attempts }), [
      { ...judged, reason: why, countable: true },
    ]);
  }
});

Deno.test("authentication lets nobody in as nobody who brings what cannot count", () => {
  const { ask } = policy([kind("bearer", undefined)], { optional: true });
  assert.equal(ask({}), LET_IN);
  assert.throws(() => ask({ "Sec-WebSocket-Protocol": "mcp, bearer.wrong=" }), { status: 401 });
  assert.throws(() => ask({}, "?ticket=x", "POST"), { status: 401 });
  // Nobody has said that a key may stand there, or that requests may be signed.
  assert.equal(ask({}, "?api_key=x"), LET_IN);
  assert.equal(ask({ "Signature-Input": "x" }), LET_IN);
});
