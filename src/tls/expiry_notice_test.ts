import assert from "node:assert/strict";
import type { GatewayEvent } from "../core/events.ts";
import { DAY_MS } from "./certificate.ts";
import { ExpiryNotice } from "./expiry_notice.ts";

/** An hour more, since time passes. */
const endingIn = (days: number) => ({
  fingerprint: "AB",
  validUntil: Date.now() + days * DAY_MS + DAY_MS / 24,
});

function notice() {
  const told: string[] = [];
  const emit = (event: GatewayEvent) => {
    if (event.type === "tls.expiring" || event.type === "tls.expired") {
      told.push(`${event.type} ${event.daysLeft}`);
    }
  };
  return { notice: new ExpiryNotice("cert.pem", emit), told };
}

Deno.test("ExpiryNotice tells at once of a certificate that ends within two weeks, and then once a day", () => {
  const { notice: one, told } = notice();
  one.look(endingIn(13), 0);
  for (let hour = 0; hour <= 24; hour++) one.look(endingIn(12), hour * DAY_MS / 24);
  assert.deepEqual(told, ["tls.expiring 13", "tls.expiring 12"]);
});

Deno.test("ExpiryNotice says nothing of one that has two weeks, and tells when they begin", () => {
  const { notice: one, told } = notice();
  one.look(endingIn(14), 0);
  one.look(endingIn(13), 1);
  assert.deepEqual(told, ["tls.expiring 13"]);
});

Deno.test("ExpiryNotice tells of the end at once, and nothing more when another one takes its place", () => {
  const { notice: one, told } = notice();
  one.look(endingIn(0), 0);
  one.look(endingIn(-1), 1);
  one.look(endingIn(90), 2);
  one.look(endingIn(90), 2 * DAY_MS);
  assert.deepEqual(told, ["tls.expiring 0", "tls.expired -1"]);
});
