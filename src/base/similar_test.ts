import assert from "node:assert/strict";
import { similarName } from "./similar.ts";

const KNOWN = ["requestTimeout", "port", "host", "maxSessions"];

Deno.test("similarName finds the name that a typing error was meant for", () => {
  const meant = {
    requestTimout: "requestTimeout",
    Port: "port",
    prot: undefined,
    hst: "host",
    MAXSESSION: "maxSessions",
  };
  for (const [typed, name] of Object.entries(meant)) assert.equal(similarName(typed, KNOWN), name, typed);
});

Deno.test("similarName finds nothing for another word, for little and among nothing", () => {
  for (const typed of ["transport", "x", "", "a".repeat(10_000)]) {
    assert.equal(similarName(typed, KNOWN), undefined);
  }
  assert.equal(similarName("port", []), undefined);
});
