import assert from "node:assert/strict";
import { BackendError, TooLargeError } from "../../core/errors.ts";
import { failure } from "../../../tests/support/messages.ts";
import {
  connectionError,
  displayUrl,
  failureAnswer,
  isUnread,
  lostAnswer,
  RemoteError,
  statusError,
  untaken,
} from "./remote_error.ts";

const URL_WITH_SECRETS = new URL("https://me:s3cret@host:8443/mcp/a?key=s3cret#s3cret");
const SHOWN = "https://host:8443/mcp/a";

function refused(status: number, headers: Record<string, string> = {}, body = "no"): RemoteError {
  return statusError(URL_WITH_SECRETS, new Response(null, { status, headers }), body);
}

Deno.test("shown leaves credentials, query and fragment out of a URL", () => {
  assert.equal(displayUrl(URL_WITH_SECRETS), SHOWN);
  assert.equal(displayUrl(new URL("wss://me:s3cret@host/ws?s3cret")), "wss://host/ws");
});

Deno.test("connectionError tells a connection that was never made from one that broke", () => {
  const url = "https://me:s3cret@host:8443/mcp?key=s3cret";
  const cause = (text: string) => new TypeError("fetch failed", { cause: new Error(text) });
  const cases: [string, string, boolean][] = [
    [
      `error sending request for url (${url}): client error (Connect): tcp connect error: Connection refused (os error 111)`,
      `Cannot reach ${SHOWN}: Connection refused`,
      false,
    ],
    [
      `error sending request for url (${url}): client error (Connect): dns error: failed to lookup address information`,
      `Cannot reach ${SHOWN}: dns error: failed to lookup address information`,
      false,
    ],
    ["Requests to port 1 are blocked", `Cannot reach ${SHOWN}: Requests to port 1 are blocked`, false],
    [
      `error sending request from 1.2.3.4:5 for ${url} (1.2.3.4:8443): client error (SendRequest): reset`,
      `The connection to ${SHOWN} broke before the answer came`,
      true,
    ],
  ];
  for (const [text, message, delivered] of cases) {
    const error = connectionError(URL_WITH_SECRETS, cause(text));
    assert.deepEqual([error.message, error.delivered, error.permanent], [message, delivered, false]);
    assert.doesNotMatch(`${error.cause}`, /s3cret/);
  }
});

Deno.test("connectionError knows what a server over HTTP/2 says that it has not read", () => {
  const unread: Record<string, boolean> = {
    "stream error received: refused stream before processing any application logic": true,
    "connection error received: not a result of an error": true,
    "stream error sent: refused stream before processing any application logic": false,
    "stream error received: unexpected internal error encountered": false,
    "connection error received: detected excessive load generating behavior": false,
    "stream closed because of a broken pipe": false,
    "error sending request from 1.2.3.4:5 for …: client error (SendRequest): connection closed before message completed":
      false,
  };
  for (const [text, is] of Object.entries(unread)) {
    const failed = new TypeError("fetch failed", { cause: new Error(text) });
    const { delivered, message } = connectionError(URL_WITH_SECRETS, failed, { posted: true });
    assert.deepEqual([isUnread(failed), delivered], [is, !is], text);
    assert.equal(message === `${SHOWN} refused the request before it read it`, is);
  }
});

Deno.test("statusError quotes the beginning of a text, on one line, and only names an HTML page", () => {
  assert.equal(refused(500, {}, " a\r\n\tb ").message, `${SHOWN} answered HTTP 500: a b`);
  assert.equal(
    refused(500, {}, "x".repeat(1000)).message.length,
    `${SHOWN} answered HTTP 500: …`.length + 200,
  );
  assert.equal(refused(500, {}, "").message, `${SHOWN} answered HTTP 500`);
  const page = `${SHOWN} answered HTTP 502 with an HTML page instead of MCP`;
  for (const body of ["<!doctype html>", " \n<HTML lang=x>"]) {
    assert.equal(refused(502, {}, body).message, page);
  }
  assert.equal(refused(502, { "Content-Type": "text/html; charset=utf-8" }).message, page);
});

Deno.test("statusError quotes the reason of a JSON-RPC error, beside the way out where there is one", () => {
  const body = JSON.stringify(failure(null, "Token expired"));
  const reason = (status: number) => refused(status, { "Content-Type": "application/json" }, body).message;
  assert.equal(reason(404), `${SHOWN} answered HTTP 404: Token expired`);
  assert.match(reason(401), /--oauth2Bearer or --header; it says: Token expired$/);
  assert.match(reason(403), /do not suffice; it says: Token expired$/);
});

Deno.test("statusError knows which requests were turned away before anybody looked at them", () => {
  const undelivered = [401, 403, 404, 405, 429];
  for (const status of [400, ...undelivered, 408, 409, 500, 502, 503, 504]) {
    assert.equal(refused(status).delivered, !undelivered.includes(status), `${status}`);
  }
  assert.equal(refused(503, { "Retry-After": "1" }).delivered, false);
  assert.equal(refused(500, { "Retry-After": "1" }).delivered, true);
});

Deno.test("statusError knows what trying again cannot mend", () => {
  for (const status of [400, 401, 403, 404, 405, 409, 410, 422]) {
    assert.equal(refused(status).permanent, true);
  }
  for (const status of [408, 429, 500, 502, 503, 504]) assert.equal(refused(status).permanent, false);
});

Deno.test("statusError reads Retry-After as seconds or as a date", () => {
  assert.equal(refused(429, { "Retry-After": "3" }).retryAfterMs, 3000);
  assert.equal(refused(429, { "Retry-After": "0" }).retryAfterMs, 0);
  const date = refused(429, { "Retry-After": new Date(Date.now() + 60_000).toUTCString() }).retryAfterMs ?? 0;
  assert(date > 57_000 && date <= 60_000, `${date}`);
  assert.equal(refused(429, { "Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT" }).retryAfterMs, 0);
  assert.equal(refused(429, { "Retry-After": "soon" }).retryAfterMs, undefined);
  assert.equal(refused(429).retryAfterMs, undefined);
});

Deno.test("failureAnswer marks only what certainly was not delivered", () => {
  const url = new URL("https://host/");
  const answers = [
    new RemoteError("far", { delivered: true }),
    new BackendError("no", {}),
    new TooLargeError("much"),
    new Error("internal s3cret"),
    lostAnswer(url),
  ].map((error) => failureAnswer("a", error));
  assert.deepEqual(answers.map(({ undelivered }) => undelivered), Array(5).fill(undefined));
  assert.deepEqual(answers[3]?.message, failure("a", "The request failed", -32603));
  const { message, relatesTo, undelivered } = failureAnswer(1, refused(429, { "Retry-After": "1" }));
  assert.deepEqual(message, failure(1, `${SHOWN} answered HTTP 429: no`, -32603));
  assert.equal(relatesTo, 1);
  assert.deepEqual(undelivered, { again: "later", afterMs: 1000, why: undefined });
});

Deno.test("failureAnswer says when a request may be sent again, and what its refusal may mean", () => {
  const verdictOn = (error: unknown, sessionLost = false) => {
    const { again, why } = failureAnswer(1, untaken(error), { sessionLost }).undelivered ?? {};
    return [again, why];
  };
  const never = [400, 401, 403, 404, 405, 406, 407, 409, 410, 415, 422, 425];
  const foreign = [200, 202, 400, 404, 405, 406, 409, 410, 415, 422];
  const other: Record<number, string> = { 302: "redirected", 503: "busy" };
  for (const status of [...never, 200, 202, 302, 408, 429, 500, 502, 503]) {
    const error = refused(status);
    const why = foreign.includes(status) ? "foreign" : other[status];
    assert.deepEqual(verdictOn(error), [never.includes(status) ? "never" : "later", why], `${status}`);
    assert.deepEqual(verdictOn(error, true), ["now", why], `${status}`);
  }
  const unreached = new RemoteError("Cannot reach it", { delivered: false });
  assert.deepEqual(verdictOn(unreached), ["later", undefined]);
  const lost = new RemoteError("lost on the way", { delivered: false, permanent: true, remoteStatus: 302 });
  assert.equal(failureAnswer(1, lost).undelivered?.again, "never");
});

Deno.test("untaken lets a refused handshake be sent again, and leaves everything else as it is", () => {
  const busy = untaken(refused(503, { "Retry-After": "1" }));
  assert(busy instanceof RemoteError);
  assert.deepEqual([busy.delivered, busy.remoteStatus, busy.retryAfterMs], [false, 503, 1000]);
  for (const error of [lostAnswer(new URL("https://host/")), new TooLargeError("much"), new Error("x")]) {
    assert.equal(untaken(error), error);
  }
});

Deno.test("statusError tells no secret of what a remote says, and no control character", () => {
  const body = 'no: "password":"hunter2" \x1b[2J\u202e at postgres://u:hunter2@db/x';
  const { message } = statusError(new URL("https://host/mcp"), new Response(null, { status: 500 }), body);
  assert.doesNotMatch(message, /hunter2/);
  assert.match(message, /^[\x20-\x7e]+$/);
});
