import assert from "node:assert/strict";
import { fakeClock } from "../../tests/support/fake_clock.ts";
import { BusyError } from "../core/errors.ts";
import { ticketIn, Tickets } from "./tickets.ts";

const ANN = { principal: { name: "basic/ann" }, scopes: ["a"], credential: "ann" };

Deno.test("Tickets let in once, as who has asked for one", () => {
  const tickets = new Tickets();
  const { ticket } = tickets.issue(ANN);
  assert.deepEqual(tickets.redeem(ticket), ANN);
  assert.deepEqual(tickets.redeem(ticket), { why: "unknown" });
  assert.deepEqual(tickets.redeem("x"), { why: "unknown" });
});

Deno.test("Tickets count for half a minute, and no longer than what they were asked for with", () => {
  using clock = fakeClock();
  const tickets = new Tickets();
  const { ticket, expiresInMs } = tickets.issue(ANN);
  const other = tickets.issue({ ...ANN, principal: { name: "basic/bob", holds: () => false } }).ticket;
  assert.deepEqual(tickets.redeem(other), { why: "revoked" });
  clock.pass(expiresInMs);
  assert.deepEqual(tickets.redeem(ticket), { why: "unknown" });
});

Deno.test("Tickets are for who has credentials, and not for one who hoards them", () => {
  using clock = fakeClock();
  const tickets = new Tickets();
  assert.throws(() => tickets.issue({ principal: undefined, scopes: [] }), { status: 401 });
  const issued = Array.from({ length: 100 }, () => tickets.issue(ANN).ticket);
  assert.throws(() => tickets.issue(ANN), BusyError);
  tickets.issue({ ...ANN, principal: { name: "basic/bob" } });
  tickets.redeem(issued[0]!);
  tickets.issue(ANN);
  clock.pass(30_000);
  tickets.issue(ANN);
});

Deno.test("ticketIn finds a ticket in any URL that has one", () => {
  const of = (method: string, url: string) => ticketIn(new Request(url, { method }));
  assert.equal(of("GET", "http://127.0.0.1/ws?ticket=abc"), "abc");
  assert.equal(of("POST", "http://127.0.0.1/mcp?ticket=abc"), "abc");
  assert.equal(of("GET", "http://127.0.0.1/ws?ticket="), "");
  assert.equal(of("GET", "http://127.0.0.1/ws?a=ticket"), undefined);
  assert.equal(of("GET", "http://127.0.0.1/ws?aticket=abc"), undefined);
});

Deno.test("Tickets let in only what is opened without headers, and are not used up by anything else", () => {
  const tickets = new Tickets();
  const { ticket } = tickets.issue(ANN);
  for (const method of ["POST", "DELETE", "HEAD"]) {
    assert.deepEqual(tickets.redeem(ticket, method), { why: "meant for something else" });
  }
  assert.deepEqual(tickets.redeem(ticket), ANN);
});
