import assert from "node:assert/strict";
import {
  bundle,
  BundleError,
  externalImports,
  externalRequires,
  namePackages,
  requireBuiltins,
} from "./bundle.ts";
import { runDeno } from "./run_deno.ts";

async function withTree(files: Record<string, string>, use: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${root}/${name}`, text);
    await use(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const COMMONJS = {
  "main.ts": 'import parts from "./parts.cjs";\nconsole.log(parts.sep, import.meta.main);\n',
  "parts.cjs": 'const { posix } = require("path");\nmodule.exports = { sep: posix.sep };\n',
};

Deno.test("bundle writes one file that runs alone, from disk and from a URL", async () => {
  await withTree(COMMONJS, async (root) => {
    const bytes = await bundle({ root });
    assert.deepEqual(await names(`${root}/dist`), ["keystone.js"]);
    const code = await Deno.readTextFile(`${root}/dist/keystone.js`);
    assert.equal(new TextEncoder().encode(code).length, bytes);
    assert.equal((await runDeno(["run", "--no-config", `${root}/dist/keystone.js`])).stdout, "/ true\n");
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
      return new Response(code, { headers: { "content-type": "text/javascript" } });
    });
    const url = `http://127.0.0.1:${server.addr.port}/keystone.js`;
    const remote = await runDeno(["run", "-A", "--no-config", "--no-lock", "--reload", url]);
    assert.equal(remote.stdout, "/ true\n", remote.stderr);
  });
});

Deno.test("bundle takes npm packages in and names none of this machine's folders", async () => {
  const files = {
    "deno.json": '{ "nodeModulesDir": "none" }',
    "main.ts": 'import { Hono } from "npm:hono@4.13.19";\nconsole.log(typeof Hono);\n',
  };
  await withTree(files, async (root) => {
    await bundle({ root });
    const code = await Deno.readTextFile(`${root}/dist/keystone.js`);
    const { npmCache } = JSON.parse((await runDeno(["info", "--json"])).stdout);
    assert.equal(code.includes(npmCache), false);
    assert.equal(
      (await runDeno(["run", "--no-config", "--no-npm", `${root}/dist/keystone.js`])).stdout,
      "function\n",
    );
  });
});

Deno.test("bundle keeps the last good file when the next one fails", async () => {
  await withTree(COMMONJS, async (root) => {
    await bundle({ root });
    const before = await Deno.readTextFile(`${root}/dist/keystone.js`);
    await Deno.writeTextFile(`${root}/main.ts`, 'import "./missing.ts";\n');
    await assert.rejects(bundle({ root }), (error) => {
      return error instanceof BundleError && /Cannot bundle main\.ts:[\s\S]*missing\.ts/.test(error.message);
    });
    assert.equal(await Deno.readTextFile(`${root}/dist/keystone.js`), before);
    assert.deepEqual(await names(`${root}/dist`), ["keystone.js"]);
  });
});

Deno.test("bundle refuses an import that stays outside", async () => {
  const files = {
    "deno.json": '{ "imports": { "hono": "npm:hono@4.13.19" } }',
    "main.ts": 'const late = await import("not-installed").catch(() => undefined);\nconsole.log(late);\n',
  };
  await withTree(files, async (root) => {
    await assert.rejects(bundle({ root }), { message: "The bundle still imports not-installed" });
    assert.deepEqual(await names(`${root}/dist`), []);
  });
});

Deno.test("bundle is compact, tells the names of functions, and defines none of them when a closure is made", async () => {
  const nested =
    "function outer() {\n  const inner = () => new Error().stack;\n  return inner();\n}\nconsole.log(outer());\n";
  await withTree({ "main.ts": nested }, async (root) => {
    await bundle({ root });
    const code = await Deno.readTextFile(`${root}/dist/keystone.js`);
    assert.ok(code.length < nested.length, code);
    assert.doesNotMatch(code, /defineProperty/);
    const { stdout } = await runDeno(["run", "--no-config", `${root}/dist/keystone.js`]);
    assert.match(stdout, /at inner [\s\S]*at outer /);
  });
});

Deno.test("externalImports lists all but built-in modules", async () => {
  const code = 'import "node:fs"; import "hono"; export * from "./a.js"; await import("npm:zod@4.6.7");\n';
  await withTree({ "out.js": code }, async (root) => {
    assert.deepEqual(await externalImports(`${root}/out.js`), ["hono", "./a.js", "npm:zod@4.6.7"]);
  });
});

Deno.test("externalRequires lists all but built-in modules", () => {
  assert.deepEqual(
    externalRequires('a = __require("node:fs"); b = __require("path"); c = __require2("ajv");'),
    ["ajv"],
  );
});

Deno.test("namePackages replaces the cache's folder, absolute or relative", () => {
  const code =
    '// ../home/me/cache/npm/registry.example.org/hono/4.0.0/a.js\n"/home/me/cache/npm/localhost_4873/@x/y/1.0.0/b.js"';
  assert.equal(
    namePackages(code, ["/home/me/cache/npm", "../home/me/cache/npm"]),
    '// npm:hono/4.0.0/a.js\n"npm:@x/y/1.0.0/b.js"',
  );
});

Deno.test("requireBuiltins frees require from the place of the file", () => {
  assert.equal(
    requireBuiltins(
      'import { createRequire as __deno_internal_createRequire } from "node:module";\n' +
        "var __require = __deno_internal_createRequire(import.meta.url);\n",
    ),
    "var __require = process.getBuiltinModule;\n",
  );
});

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}
