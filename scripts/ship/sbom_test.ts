import assert from "node:assert/strict";
import { Ajv } from "ajv";
import { fileURLToPath } from "node:url";
import { productPackages } from "./product_packages.ts";
import { bomText } from "./sbom.ts";

/** With the library that writes it: the schema of CycloneDX, and those that it refers to. */
const SCHEMAS = fileURLToPath(
  new URL("res/schema/", import.meta.resolve("@cyclonedx/cyclonedx-library/package.json")),
);
const FACTS = { version: "1.2.3", denoVersion: "2.9.6", changedAt: new Date("2026-01-02T03:04:05Z") };

interface Bom {
  readonly metadata: { readonly component: { readonly "bom-ref": string }; readonly timestamp: string };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

interface Component {
  readonly type: string;
  readonly name: string;
  readonly group?: string;
  readonly purl: string;
  readonly licenses?: readonly unknown[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

const packages = await productPackages();
const text = bomText(packages, FACTS);
const bom: Bom = JSON.parse(text);

Deno.test("bomText is valid by the schema of CycloneDX 1.6", async () => {
  const validate = await validator();
  assert(validate(JSON.parse(text)), JSON.stringify(validate.errors));
  assert.equal(validate({ ...JSON.parse(text), components: [{ type: "libary", name: "x" }] }), false);
});

Deno.test("bomText names what the program imports, what that depends on, and the runtime", () => {
  const purls = bom.components.map(({ purl }) => purl);
  assert(purls.includes("pkg:github/denoland/deno@v2.9.6"));
  for (const direct of ["hono", "zod", "%40logtape/logtape"]) {
    assert(purls.some((purl) => purl.startsWith(`pkg:npm/${direct}@`)), direct);
  }
  // Of redos-detector.
  assert(purls.some((purl) => purl.startsWith("pkg:npm/regjsparser@")));
  assert.equal(new Set(purls).size, purls.length);
});

Deno.test("bomText leaves out what only tests and scripts import", () => {
  const names = bom.components.map(({ name, group }) => `${group ?? ""}/${name}`);
  for (
    const tool of [
      "/esbuild",
      "/echarts",
      "/ajv",
      "/express",
      "@modelcontextprotocol/sdk",
      "@cyclonedx/cyclonedx-library",
    ]
  ) {
    assert(!names.includes(tool), tool);
  }
});

Deno.test("bomText has hash and licence of each package, by the lock and by the package", async () => {
  const libraries = bom.components.filter(({ type }) => type === "library");
  assert(libraries.length > 10);
  for (const { name, hashes, licenses } of libraries) {
    assert.match(hashes?.[0]?.content ?? "", /^[0-9a-f]{128}$/, name);
    assert.equal(licenses?.length, 1, name);
  }
  const lock = await Deno.readTextFile(new URL("../../deno.lock", import.meta.url));
  const sha512 = libraries.find(({ name }) => name === "hono")?.hashes?.[0]?.content ?? "";
  assert(lock.includes(Uint8Array.fromHex(sha512).toBase64()));
});

Deno.test("bomText says what depends on what", () => {
  const of = (ref: string) => bom.dependencies.find((one) => one.ref === ref)?.dependsOn ?? [];
  const own = of(bom.metadata.component["bom-ref"]);
  assert(own.includes("deno"));
  assert(own.some((ref) => ref.startsWith("redos-detector@")));
  assert(!own.some((ref) => ref.startsWith("regjsparser@")), "it is imported by redos-detector alone");
  const detector = own.find((ref) => ref.startsWith("redos-detector@")) ?? "";
  assert(of(detector).some((ref) => ref.startsWith("regjsparser@")));
});

Deno.test("bomText is the same for the same source", () => {
  assert.equal(bomText(packages.toReversed(), FACTS), text);
  assert.equal(bom.metadata.timestamp, "2026-01-02T03:04:05.000Z");
});

async function validator() {
  // What a format says of a date or an IRI is left out: nothing here comes from outside.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ["spdx", "jsf-0.82"]) {
    ajv.addSchema(await schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  return ajv.compile(await schema("bom-1.6"));
}

async function schema(name: string): Promise<Record<string, unknown>> {
  return JSON.parse(await Deno.readTextFile(`${SCHEMAS}${name}.SNAPSHOT.schema.json`));
}
