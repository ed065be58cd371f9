import assert from "node:assert/strict";
import { callerOptions } from "./options.ts";

const { headerToEnv, headerToHeader } = callerOptions.shape;

Deno.test("headerToEnv takes a header and a variable", () => {
  assert.deepEqual(headerToEnv.parse(["X-GitHub-Token=GITHUB_TOKEN", "Authorization=_t1"]), [
    { header: "x-github-token", target: "GITHUB_TOKEN" },
    { header: "authorization", target: "_t1" },
  ]);
});

Deno.test("headerToEnv refuses what is no such pair, and each variable by which a client could run programs", () => {
  for (const text of ["", "X", "X=", "=A", "X=A=B", "X Y=A", "X=1A", "X=A-B", "X:A"]) {
    const { error } = headerToEnv.safeParse([text]);
    assert.match(error?.issues[0]?.message ?? "taken", /^expected Header=VARIABLE, such as/, text);
  }
  for (
    const variable of ["PATH", "LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV", "PYTHONSTARTUP", "Path", "GIT_SSH"]
  ) {
    const { error } = headerToEnv.safeParse([`X=${variable}`]);
    assert.match(error?.issues[0]?.message ?? "taken", /a client could run programs by/, variable);
  }
});

Deno.test("headerToHeader takes two headers, and refuses one that Keystone sets itself", () => {
  assert.deepEqual(headerToHeader.parse(["X-Tenant=X-Tenant"]), [{ header: "x-tenant", target: "X-Tenant" }]);
  const { error } = headerToHeader.safeParse(["X-Tenant=Host"]);
  assert.match(error?.issues[0]?.message ?? "taken", /Keystone itself sets Host/);
  assert.equal(headerToHeader.safeParse(["X-Tenant"]).success, false);
});
