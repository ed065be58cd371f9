import assert from "node:assert/strict";
import { layerViolations } from "./check_layers.ts";
import { ROOT, runDeno } from "./run_deno.ts";

function lines(sources: Record<string, string>): string[] {
  return layerViolations(new Map(Object.entries(sources))).map(({ from, to, why }) =>
    `${from} → ${to}: ${why}`
  );
}

Deno.test("layerViolations lets a file import from every group above its own and from its own folder", () => {
  assert.deepEqual(
    lines({
      "src/core/session.ts": 'import { Queue } from "./queue.ts";',
      "src/core/queue.ts": 'import { z } from "zod";',
      "src/wire/sse.ts": 'import type { Envelope } from "../core/channel.ts";',
      "src/backends/process.ts":
        'import "../core/session.ts"; import "../wire/ndjson.ts"; import "./launch.ts"; import "node:fs";',
      "src/config/resolve.ts":
        'import "../policies/cors.ts"; import "../core/errors.ts"; import "../wire/sse.ts";',
      "src/gateway.ts": 'import "./overrides.ts"; import "./backends/mod.ts";',
      "src/cli/main.ts":
        'import "../app.ts"; import "../config/load.ts"; import deno from "../../deno.json";',
      "main.ts": 'import "./src/cli/main.ts";',
    }),
    [],
  );
});

Deno.test("layerViolations names an import from a group below", () => {
  assert.deepEqual(
    lines({
      "src/core/session.ts": 'import { open } from "../backends/process.ts";',
      "src/policies/cors.ts": 'import { load } from "../config/load.ts";',
      "src/gateway.ts": 'import { app } from "./app.ts";',
      "src/cli/serve.ts": 'import "../../main.ts";',
    }),
    [
      "src/core/session.ts → src/backends/process.ts: src/core stands above src/backends",
      "src/policies/cors.ts → src/config/load.ts: src/policies stands above src/config",
      "src/gateway.ts → src/app.ts: src/gateway.ts stands above src/app.ts",
      "src/cli/serve.ts → main.ts: src/cli stands above main.ts",
    ],
  );
});

Deno.test("layerViolations counts types, re-exports and dynamic imports between sibling folders", () => {
  assert.deepEqual(
    lines({
      "src/frontends/sse.ts": 'import type { Store } from "../stores/redis.ts";',
      "src/adapters/mod.ts": 'export type { Sink } from "../observe/log.ts";',
      "src/auth/mod.ts": 'const backends = await import("../backends/mod.ts");',
      "src/observe/log.ts": 'type Cors = import("../policies/cors.ts").Cors;',
    }),
    [
      "src/frontends/sse.ts → src/stores/redis.ts: src/frontends and src/stores are siblings",
      "src/adapters/mod.ts → src/observe/log.ts: src/adapters and src/observe are siblings",
      "src/auth/mod.ts → src/backends/mod.ts: src/auth and src/backends are siblings",
      "src/observe/log.ts → src/policies/cors.ts: src/observe and src/policies are siblings",
    ],
  );
});

Deno.test("layerViolations lets only tests import from tests, and nothing that ships from scripts", () => {
  assert.deepEqual(
    lines({
      "src/wire/ndjson_test.ts": 'import "./ndjson.ts"; import "../../tests/support/lines.ts";',
      "src/wire/ndjson.ts": 'import "../../tests/support/lines.ts"; import "../../scripts/bundle.ts";',
      "src/app_test.ts": 'import "./app.ts"; import "../tests/support/serve.ts";',
      "src/server_test.ts": 'import "./app.ts";',
      "src/server_tls_test.ts": 'import "./server.ts"; import "./config/resolve.ts";',
      "tests/support/serve.ts": 'import "../../src/app.ts"; import "../../scripts/bundle.ts";',
    }),
    [
      "src/wire/ndjson.ts → tests/support/lines.ts: only tests import from tests",
      "src/wire/ndjson.ts → scripts/bundle.ts: nothing that ships imports from scripts",
      "src/server_test.ts → src/app.ts: src/server.ts stands above src/app.ts",
    ],
  );
});

Deno.test("layerViolations wants every file of src in a layer", () => {
  assert.deepEqual(lines({ "src/utils.ts": "", "src/helpers/text.ts": "" }), [
    "src/utils.ts → no layer: list it in GROUPS of scripts/check_layers.ts",
    "src/helpers/text.ts → no layer: list it in GROUPS of scripts/check_layers.ts",
  ]);
});

Deno.test("layerViolations keeps I/O out of src/base and src/core", () => {
  assert.deepEqual(
    lines({
      "src/core/clock.ts": 'import { hrtime } from "node:process"; export const cwd = Deno.cwd();',
      "src/core/quiet.ts": '// Deno.cwd() is named in comments\nexport const name = "Deno.env";',
      "src/core/clock_test.ts":
        'import assert from "node:assert/strict"; import "node:fs"; Deno.test("a", () => {});',
      "src/base/queue.ts": "export const pid = Deno.pid;",
    }),
    [
      "src/core/clock.ts → node:process: src/core does no I/O",
      "src/core/clock.ts → Deno: src/core does no I/O",
      "src/core/clock_test.ts → node:fs: src/core does no I/O",
      "src/base/queue.ts → Deno: src/base does no I/O",
    ],
  );
});

Deno.test("layerViolations shows the way around an import cycle once", () => {
  assert.deepEqual(
    lines({
      "src/wire/a.ts": 'import "./b.ts"; import "./c.ts";',
      "src/wire/b.ts": 'import type { C } from "./c.ts";',
      "src/wire/c.ts": 'export { a } from "./a.ts";',
      "src/wire/d.ts": 'import "./a.ts";',
    }),
    ["src/wire/c.ts → src/wire/a.ts: import cycle: src/wire/a.ts → src/wire/b.ts → src/wire/c.ts → src/wire/a.ts"],
  );
});

Deno.test("check_layers.ts exits 1 with a line a violation, and 0 with one line", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/src/core`, { recursive: true });
    await Deno.mkdir(`${root}/src/wire`);
    await Deno.writeTextFile(`${root}/src/core/a.ts`, "export const a = 1;\n");
    await Deno.writeTextFile(`${root}/src/wire/b.ts`, 'export { a } from "../core/a.ts";\n');
    assert.deepEqual(await check(root), {
      code: 0,
      stdout: "Layers: no import of 2 files breaks them\n",
      stderr: "",
    });
    await Deno.writeTextFile(`${root}/src/core/a.ts`, 'export const a = 1;\nimport "../wire/b.ts";\n');
    const { code, stderr } = await check(root);
    assert.equal(code, 1);
    assert.match(stderr, /^src\/core\/a\.ts → src\/wire\/b\.ts: src\/core stands above src\/wire\n/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

function check(root: string) {
  return runDeno(["run", "--allow-read", `${ROOT}/scripts/check_layers.ts`, root]);
}
