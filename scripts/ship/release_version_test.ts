import assert from "node:assert/strict";
import { ROOT, runDeno } from "../run_deno.ts";
import { checkTag, VERSION } from "./release_version.ts";
import { ShipError } from "./ship_error.ts";

/** What people read and what is shipped; what only tests name is of no account. */
const PLACES = ["README.md", "CONTRIBUTING.md", "docs", "deploy", "npm", ".github", "src"];
/** Of us, and of no peer that we are compared with. */
const NAMED = /\bkeystone(?:-mcp)?(?:[ @:-]|["']?\s+version\s+["']?)v?(\d+\.\d+\.\d+[\w.-]*)/gi;
const TEXT = /\.(?:md|ts|cjs|json|ya?ml|toml|sh|plist|xml|service)$|file$/;

Deno.test("checkTag lets the tag of the version pass, and no other", () => {
  checkTag("v1.2.3", "1.2.3");
  assert.throws(
    () => checkTag("v1.2.4", "1.2.3"),
    new ShipError(
      'The tag "v1.2.4" is not that of version 1.2.3: tag v1.2.3, or change "version" in deno.json',
    ),
  );
});

Deno.test("release_version.ts prints the version of deno.json, and tells a wrong tag in one line", async () => {
  const script = `${ROOT}/scripts/ship/release_version.ts`;
  const right = await runDeno(["run", script, `v${VERSION}`]);
  assert.deepEqual({ code: right.code, stdout: right.stdout }, { code: 0, stdout: `${VERSION}\n` });
  const wrong = await runDeno(["run", script, "v0.0.0"]);
  assert.deepEqual({ code: wrong.code, stdout: wrong.stdout }, { code: 1, stdout: "" });
  assert.match(wrong.stderr, /^The tag "v0\.0\.0" is not that of version [^\n]+\n$/);
});

Deno.test("release_version is the only version of Keystone that anything names", async () => {
  const { version }: { version: string } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  assert.equal(VERSION, version);
  const others: string[] = [];
  for await (const path of textFiles(PLACES)) {
    const text = await Deno.readTextFile(`${ROOT}/${path}`);
    for (const [words, named] of text.matchAll(NAMED)) {
      if (named !== version) others.push(`${path}: ${words}`);
    }
    if (/(?:^|\/)package[\w.-]*\.json$/.test(path)) {
      const own: { version?: string } = JSON.parse(text);
      if ("version" in own && own.version !== version) others.push(`${path}: ${own.version}`);
    }
  }
  assert.deepEqual(others, []);
});

async function* textFiles(paths: readonly string[]): AsyncGenerator<string> {
  for (const path of paths) {
    const found = await Deno.stat(`${ROOT}/${path}`).catch(() => undefined);
    if (found?.isDirectory) {
      const names = (await Array.fromAsync(Deno.readDir(`${ROOT}/${path}`))).map(({ name }) => name);
      yield* textFiles(names.filter((name) => name !== "node_modules").map((name) => `${path}/${name}`));
    } else if (found && TEXT.test(path)) yield path;
  }
}
