import assert from "node:assert/strict";
import type { NamedChanges } from "../../core/backend.ts";
import { BackendError } from "../../core/errors.ts";
import { type CredentialProvider, redirectTarget, type RemoteRequest } from "./http_client.ts";
import { RemoteError } from "./remote_error.ts";
import { publicTarget } from "./target.ts";
import { inTime } from "../../../tests/contract/deadline.ts";
import { settled } from "../../../tests/support/far_end.ts";
import { collectGarbage } from "../../../tests/support/garbage.ts";
import { signedStatement } from "../../wire/signing/identity.ts";
import { makeKeyPair } from "../../wire/signing/key_pair.ts";
import {
  client,
  EventStream,
  json,
  type Loopback,
  loopback,
  nobody,
} from "../../../tests/support/loopback.ts";

const { signal } = new AbortController();
const POST: RemoteRequest = {
  method: "POST",
  headers: {
    "Content-Type": "application/json",
    Accept: "application/json",
    "mcp-session-id": "s1",
    "mcp-protocol-version": "2025-11-25",
  },
  body: "{}",
  signal,
};
const GET: RemoteRequest = { method: "GET", headers: { Accept: "text/event-stream" }, signal };

/** Redirects `/from` with this status, and answers everything else with its path. */
function redirecting(status: number, to: () => string): Loopback {
  return loopback(({ path }) =>
    path === "/from" ? new Response(null, { status, headers: { Location: to() } }) : json(path)
  );
}

async function failureOf(promise: Promise<unknown>): Promise<RemoteError> {
  const error = await promise.then(() => undefined, (error) => error);
  assert(error instanceof RemoteError, `${error}`);
  return error;
}

Deno.test("httpClient sends the configured headers, and those of the protocol win over them", async () => {
  await using server = loopback(() => json("ok"));
  using http = client({ headers: { authorization: "Bearer t", "content-type": "text/plain", "x-a": "b" } });
  assert.equal(await (await http.request(server.url, POST)).json(), "ok");
  const [asked] = server.asked;
  assert.equal(asked?.headers.get("authorization"), "Bearer t");
  assert.equal(asked?.headers.get("x-a"), "b");
  assert.equal(asked?.headers.get("content-type"), "application/json");
  assert.deepEqual([asked?.method, asked?.body], ["POST", "{}"]);
});

Deno.test("httpClient sends the headers of a conversation on top of those that are configured, to its own origin alone", async () => {
  await using far = loopback(() => json("far"));
  await using server = redirecting(307, () => new URL("/to", far.url).href);
  using http = client({ headers: { authorization: "Bearer t", "x-a": "b", "content-type": "text/plain" } });
  const one = http.forConversation({ headers: { Authorization: "Bearer own", "X-C": "d" } });
  await (await one.request(server.url, POST)).text();
  await (await one.forConversation({ headers: { "x-c": "e" } }).request(server.url, POST)).text();
  await (await http.request(server.url, POST)).text();
  await (await one.request(new URL("/from", server.url), GET)).text();
  const seen = [...server.asked.slice(0, 3), ...far.asked].map(({ headers }) =>
    ["authorization", "x-a", "x-c", "content-type"].map((name) => headers.get(name))
  );
  assert.deepEqual(seen, [
    ["Bearer own", "b", "d", "application/json"],
    ["Bearer t", "b", "e", "application/json"],
    ["Bearer t", "b", null, "application/json"],
    [null, null, null, null],
  ]);
});

Deno.test("httpClient follows a redirect that keeps the method, also for a GET one that does not", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    await using server = redirecting(status, () => "/to?x=1");
    using http = client({ headers: { authorization: "Bearer t" } });
    const from = new URL("/from", server.url);
    assert.equal(await (await http.request(from, GET)).json(), "/to");
    if (status < 307) continue;
    assert.equal(await (await http.request(from, POST)).json(), "/to");
    const last = server.asked.at(-1);
    assert.deepEqual([last?.method, last?.body], ["POST", "{}"]);
    assert.equal(last?.headers.get("authorization"), "Bearer t");
    assert.equal(last?.headers.get("mcp-session-id"), "s1");
  }
});

Deno.test("httpClient refuses a redirect that would lose the message, and says where to go", async () => {
  for (const status of [301, 302, 303]) {
    await using server = redirecting(status, () => "/to?s3cret");
    using http = client();
    const error = await failureOf(http.request(new URL("/from", server.url), POST));
    const { host } = server.url;
    assert.equal(
      error.message,
      `http://${host}/from redirects with HTTP ${status}, which would lose the message: use http://${host}/to directly`,
    );
    assert.deepEqual([error.delivered, error.permanent, server.asked.length], [false, true, 1]);
  }
});

Deno.test("redirectTarget never leads from HTTPS to plain HTTP", () => {
  const from = new URL("https://me:s3cret@host/from?s3cret");
  const redirect = (location: string) => new Response(null, { status: 307, headers: { location } });
  assert.throws(() => redirectTarget(redirect("http://host/to"), "GET", from), (error) => {
    assert(error instanceof RemoteError && error.permanent && !error.delivered);
    assert.equal(error.message, "https://host/from redirects to plain HTTP, which is not followed");
    return true;
  });
  assert.equal(redirectTarget(redirect("https://other/to"), "POST", from).href, "https://other/to");
  const plain = new URL("http://host/from");
  assert.equal(redirectTarget(redirect("https://host/to"), "POST", plain).href, "https://host/to");
});

Deno.test("httpClient gives another origin no credentials and no session", async () => {
  await using other = loopback(({ path }) => json(path));
  await using server = redirecting(307, () => new URL("/to", other.url).href);
  using http = client({
    headers: { authorization: "Bearer t", cookie: "a=b", "x-api-key": "k" },
    credentials: {
      headers: () => Promise.resolve({ "x-token": "t" }),
      refused: () => Promise.resolve(false),
    },
  });
  assert.equal(await (await http.request(new URL("/from", server.url), POST)).json(), "/to");
  assert.equal(server.asked[0]?.headers.get("x-token"), "t");
  const { headers, body } = other.asked[0]!;
  for (const name of ["authorization", "cookie", "x-api-key", "x-token", "mcp-session-id"]) {
    assert.equal(headers.get(name), null, name);
  }
  assert.deepEqual([headers.get("content-type"), body], ["application/json", "{}"]);
});

Deno.test("httpClient has each request to its own origin signed, redirected ones anew, and none to another", async () => {
  await using far = loopback(() => json("far"));
  await using server = loopback(({ path }) => {
    const to = path === "/from" ? "/there" : path === "/there" ? new URL("/to", far.url).href : undefined;
    return to === undefined ? json(path) : new Response(null, { status: 307, headers: { Location: to } });
  });
  const said: string[] = [];
  using http = client({
    headers: { "x-proof": "configured" },
    sign: ({ method, url, body }) => {
      said.push(`${method} ${url.pathname} ${body}`);
      return Promise.resolve({ "x-proof": `${said.length}` });
    },
  });
  assert.equal(await (await http.request(new URL("/from", server.url), POST)).json(), "far");
  assert.equal(await (await http.request(new URL("/get", server.url), GET)).json(), "/get");
  assert.deepEqual(said, ["POST /from {}", "POST /there {}", "GET /get undefined"]);
  assert.deepEqual(server.asked.map(({ headers }) => headers.get("x-proof")), ["1", "2", "3"]);
  assert.equal(far.asked[0]?.headers.get("x-proof"), null);
});

Deno.test("httpClient asks a server who it is once for each conversation, before anything else, and without credentials", async () => {
  await using server = loopback(({ path }) =>
    path.startsWith("/.well-known") ? new Response(null, { status: 404 }) : json("ok")
  );
  using http = client({ headers: { authorization: "Bearer t" }, trust: () => {} });
  await assert.rejects(http.request(server.url, POST), {
    message: /does not prove who it is: HTTP 404 at \/\.well-known\/keystone-identity$/,
  });
  assert.deepEqual(server.asked.map(({ method, headers }) => [method, headers.get("authorization")]), [[
    "GET",
    null,
  ]]);
  const { pair } = makeKeyPair();
  const trusted: string[] = [];
  await using right = loopback(({ request }) => {
    const nonce = new URL(request.url).searchParams.get("nonce");
    if (nonce === null) return json("ok");
    return json(signedStatement(pair, { origin: right.url.origin, nonce, time: "now" }));
  });
  using own = client({ trust: (origin, { line }) => void trusted.push(`${origin} ${line}`) });
  const conversation = own.forConversation({ headers: {} });
  for (const one of [conversation, conversation, own]) {
    await (await one.request(right.url, POST)).body?.cancel();
  }
  const expected = `${right.url.origin} ${pair.publicKey.line}`;
  assert.deepEqual(trusted, [expected, expected]);
});

Deno.test("httpClient reads the headers of a conversation anew for each request, and leaves out what they take away", async () => {
  await using server = loopback(() => json("ok"));
  using http = client({ headers: { authorization: "Bearer t", "x-a": "b" } });
  const conversation: { headers: NamedChanges } = { headers: {} };
  const one = http.forConversation(conversation);
  for (const headers of [{}, { authorization: "Bearer live" }, { Authorization: null, "x-a": "c" }]) {
    conversation.headers = headers;
    await (await one.request(server.url, POST)).body?.cancel();
  }
  const told = server.asked.map(({ headers }) => [headers.get("authorization"), headers.get("x-a")]);
  assert.deepEqual(told, [["Bearer t", "b"], ["Bearer live", "b"], [null, "c"]]);
});

Deno.test("httpClient keeps the cookies of each conversation apart, and none outside of one", async () => {
  let sets = 0;
  await using server = loopback(() => json("ok", { "Set-Cookie": `n=${++sets}` }));
  using http = client();
  const conversation = { headers: {} };
  for (const one of [http.forConversation(conversation), http.forConversation(conversation), http]) {
    for (const _ of [1, 2]) await (await one.request(server.url, POST)).body?.cancel();
  }
  const told = server.asked.map(({ headers }) => headers.get("cookie"));
  assert.deepEqual(told, [null, "n=1", null, "n=3", null, null]);
});

Deno.test("httpClient gives up a loop of redirects, and one that leads nowhere", async () => {
  const ends = { "/from": "more than 5 times", "ftp://host/": "no HTTP URL", "http://[": "no HTTP URL" };
  for (const [location, fault] of Object.entries(ends)) {
    await using server = redirecting(307, () => location);
    using http = client();
    const error = await failureOf(http.request(new URL("/from", server.url), POST));
    assert.match(error.message, new RegExp(`redirects .*${fault}$`));
    assert.deepEqual([error.delivered, error.permanent], [false, true]);
  }
});

Deno.test("httpClient asks before each hop whether the target is allowed", async () => {
  await using server = redirecting(307, () => "http://10.0.0.1/to");
  const allowed = publicTarget();
  const targets: string[] = [];
  using http = client({
    checkTarget: (url) => {
      targets.push(url.hostname);
      return targets.length === 1 ? Promise.resolve() : allowed(url);
    },
  });
  await assert.rejects(http.request(new URL("/from", server.url), GET), (error) => {
    assert(error instanceof BackendError && error.permanent);
    assert.equal(error.message, "http://10.0.0.1/to is in a private network, which is not allowed here");
    return true;
  });
  assert.deepEqual(targets, ["127.0.0.1", "10.0.0.1"]);
});

Deno.test("httpClient asks the provider for headers, and tries once more with new ones after 401 and 403", async () => {
  for (const status of [401, 403]) {
    let token = "old";
    await using server = loopback(({ headers }) =>
      headers.get("authorization") === "new" ? json("in") : new Response("no", { status })
    );
    const told: number[] = [];
    const credentials: CredentialProvider = {
      headers: () => Promise.resolve({ Authorization: token }),
      refused: (_, { status }) => {
        token = "new";
        return Promise.resolve(told.push(status) > 0);
      },
    };
    using http = client({ credentials, headers: { authorization: "configured" } });
    assert.equal(await (await http.request(server.url, POST)).json(), "in");
    assert.deepEqual(server.asked.map(({ headers }) => headers.get("authorization")), ["old", "new"]);
    assert.deepEqual(told, [status]);
  }
});

Deno.test("httpClient gives the refusal as the answer when there are no new credentials, or they are refused too", async () => {
  for (const again of [true, false]) {
    await using server = loopback(() => new Response("no", { status: 401 }));
    using http = client({
      credentials: { headers: () => Promise.resolve({}), refused: () => Promise.resolve(again) },
    });
    const response = await http.request(server.url, POST);
    assert.deepEqual([response.status, await response.text()], [401, "no"]);
    assert.equal(server.asked.length, again ? 2 : 1);
  }
});

Deno.test("httpClient says that nobody listens, without the secrets of the URL", async () => {
  const url = nobody();
  url.search = "?key=s3cret";
  using http = client();
  const error = await failureOf(http.request(url, POST));
  assert.equal(error.message, `Cannot reach http://${url.host}/: Connection refused`);
  assert.deepEqual([error.delivered, error.permanent], [false, false]);
  assert.doesNotMatch(`${error.cause}`, /s3cret/);
});

Deno.test("httpClient calls a connection that broke under the request delivered", async () => {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const broken = listener.accept().then(async (connection) => {
    await connection.read(new Uint8Array(1024));
    connection.close();
  });
  using http = client();
  const url = new URL(`http://127.0.0.1:${listener.addr.port}/mcp?s3cret`);
  const error = await failureOf(http.request(url, POST));
  await broken;
  assert.match(
    error.message,
    /^The connection to http:\/\/127[^?]*\/mcp broke before the answer came; the request was not/,
  );
  assert.equal(error.delivered, true);
  assert.doesNotMatch(`${error.cause}`, /s3cret/);
});

Deno.test("httpClient rejects with the reason of its signal", async () => {
  await using server = loopback(({ request }) =>
    new Promise((resolve) => request.signal.addEventListener("abort", () => resolve(new Response())))
  );
  using http = client();
  const abort = new AbortController();
  const asked = http.request(server.url, { ...POST, signal: abort.signal });
  const reason = new Error("enough");
  abort.abort(reason);
  await assert.rejects(asked, reason);
});

Deno.test("httpClient rejects with the reason of its signal after a garbage collection", async () => {
  await using server = loopback(({ request }) =>
    new Promise((resolve) => request.signal.addEventListener("abort", () => resolve(new Response())))
  );
  using http = client();
  const abort = new AbortController();
  const asked = http.request(server.url, { ...GET, signal: abort.signal });
  while (server.asked.length === 0) await settled();
  await collectGarbage();
  abort.abort(new Error("enough"));
  await assert.rejects(asked, /enough/);
});

Deno.test("httpClient closes the connection of a body that its signal stops, also after a garbage collection", async () => {
  const stream = new EventStream("data: a\n\n");
  await using server = loopback(() => stream.response);
  using http = client();
  const abort = new AbortController();
  const body = await bodyOf(http.request(server.url, { ...GET, signal: abort.signal }));
  await body.next();
  const reading = inTime(body.next(), "The end of the body", 10_000);
  await collectGarbage();
  abort.abort(new Error("enough"));
  await assert.rejects(reading, /enough/);
  await stream.cancelled;
});

/** Keeps nothing but the body. */
async function bodyOf(asked: Promise<Response>): Promise<AsyncIterator<Uint8Array>> {
  const { body } = await asked;
  assert(body);
  return body[Symbol.asyncIterator]();
}
