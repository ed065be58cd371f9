import assert from "node:assert/strict";
import { NOWHERE } from "../../tests/support/config.ts";
import { redactText } from "../base/redact.ts";
import { optionEntries } from "./options.ts";
import { parseArgs } from "./parse_args.ts";

const SECRET = "s3cret-t0ken-of-24-chars";

async function warnings(argv: readonly string[], variables: Record<string, string> = {}) {
  const outcome = await parseArgs(argv, "0", { ...NOWHERE, variables });
  assert(outcome.kind === "run");
  const told = outcome.warnings.filter((text) => text.startsWith("A secret stands"));
  assert(!told.some((text) => text.includes(SECRET)), told.join());
  // As the log has it.
  assert.deepEqual(told.map((text) => redactText(text)), told);
  return told.map((text) => text.replace(/^.* line \(([^)]*)\); .* Give it in a variable/, "$1:"));
}

const REMOTE = ["--streamableHttp", "https://host/mcp"];

Deno.test("secretsOnLine warns of each secret on the command line, with the file and the variable", async () => {
  assert.deepEqual(await warnings([...REMOTE, "--oauth2Bearer", SECRET]), [
    "--oauth2Bearer: (KEYSTONE_OAUTH2_BEARER) or in a file (--oauth2BearerFile)",
  ]);
  assert.deepEqual(await warnings(["--stdio", "cat", "--auth", "bearer", "--bearerToken", SECRET]), [
    "--bearerToken: (KEYSTONE_BEARER_TOKEN) or in a file (--bearerTokenFile)",
  ]);
  for (const header of [`Authorization: Bearer ${SECRET}`, `X-API-Key: ${SECRET}`, `Cookie: a=${SECRET}`]) {
    assert.deepEqual(await warnings([...REMOTE, "--header", "X-A: b", header]), [
      "--header: (KEYSTONE_HEADER) or in a file (--headerFile)",
    ]);
  }
  assert.deepEqual(await warnings(["--stdio", "cat", "--env", `API_KEY=${SECRET}`]), [
    "--env: (KEYSTONE_ENV)",
  ]);
  assert.deepEqual(await warnings(["--stdio", `server --api-key ${SECRET}`]), [
    "--stdio: (KEYSTONE_STDIO)",
  ]);
  assert.deepEqual(await warnings(["--streamableHttp", `https://ann:${SECRET}@host/mcp`]), [
    "--streamableHttp: (KEYSTONE_STREAMABLE_HTTP)",
  ]);
});

Deno.test("secretsOnLine says nothing of what is no secret, or comes from elsewhere", async () => {
  assert.deepEqual(await warnings([...REMOTE, "--header", "X-Team: blue"]), []);
  assert.deepEqual(await warnings(["--stdio", "npx -y some-server /data", "--env", "MODE=fast"]), []);
  assert.deepEqual(await warnings(REMOTE, { KEYSTONE_OAUTH2_BEARER: SECRET }), []);
  assert.deepEqual(
    await warnings([...REMOTE, "--header", "Authorization: Bearer ${TOKEN}"], { TOKEN: SECRET }),
    [],
  );
});

Deno.test("secretsOnLine goes by the table of options: each one that takes a token is in it as a secret", () => {
  for (const [key, { secret, value }] of optionEntries()) {
    if (value === "<token>") assert.equal(secret, true, key);
  }
});
