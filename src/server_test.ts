import assert from "node:assert/strict";
import { listenFault } from "./server.ts";

Deno.test("listenFault says why a port is not ours, and what to do", () => {
  const at = { host: "127.0.0.1", port: 80 };
  assert.match(
    listenFault(new Deno.errors.PermissionDenied(), at),
    /^--port "80": not allowed to use it, since ports below 1024 want the rights of an administrator; take a higher/,
  );
  assert.match(
    listenFault(new Deno.errors.PermissionDenied(), { ...at, port: 8080 }),
    /^--port "8080": not allowed to use it; take another one/,
  );
  assert.match(
    listenFault(new Deno.errors.AddrInUse(), at),
    /^--port "80": the port is in use on 127.0.0.1; .*--port 0/,
  );
});
