// deno-lint-ignore-file no-console -- a script reports to the terminal
/**
 * Writes dist/keystone.cdx.json, a CycloneDX bill of materials: the packages that the program imports and what those
 * depend on, as deno.lock pins them, and the runtime.
 */
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { ROOT } from "../run_deno.ts";
import { git } from "./git.ts";
import { productPackages, type ShippedPackage } from "./product_packages.ts";
import { VERSION } from "./release_version.ts";
import { exitCodeOf } from "./ship_error.ts";

export const SBOM = "dist/keystone.cdx.json";

interface BomOptions {
  readonly version: string;
  readonly denoVersion: string;
  /** When the source was as it is: two builds of it write the same file. */
  readonly changedAt: Date;
}

/** CycloneDX 1.6 as JSON. */
export function bomText(packages: readonly ShippedPackage[], options: BomOptions): string {
  const spec = Spec.Spec1dot6;
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(spec));
  return `${serializer.serialize(bomOf(packages, options), { sortLists: true, space: 2 })}\n`;
}

function bomOf(packages: readonly ShippedPackage[], { version, denoVersion, changedAt }: BomOptions) {
  const bom = new Models.Bom();
  const product = component("keystone", { type: Enums.ComponentType.Application, version, license: "MIT" });
  bom.metadata.component = product;
  bom.metadata.timestamp = changedAt;
  const runtime = component("deno", {
    ...{ type: Enums.ComponentType.Platform, version: denoVersion, license: "MIT" },
    purl: `pkg:github/denoland/deno@v${denoVersion}`,
  });
  const components = new Map(packages.map((one) => [one.id, packageComponent(one)]));
  for (const one of [runtime, ...components.values()]) bom.components.add(one);
  product.dependencies.add(runtime.bomRef);
  for (const { id, imported, dependencies } of packages) {
    const own = components.get(id);
    if (imported && own) product.dependencies.add(own.bomRef);
    for (const dependency of dependencies) {
      const other = components.get(dependency);
      if (other) own?.dependencies.add(other.bomRef);
    }
  }
  return bom;
}

function packageComponent({ id, name, version, integrity, license }: ShippedPackage): Models.Component {
  const [, group, ownName = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  const made = component(ownName, {
    ...{ type: Enums.ComponentType.Library, version, license },
    ref: id,
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
  });
  if (group !== undefined) made.group = group;
  made.hashes.set(Enums.HashAlgorithm["SHA-512"], hexOfIntegrity(integrity));
  return made;
}

interface ComponentFacts {
  readonly type: Enums.ComponentType;
  readonly version: string;
  readonly license: string | undefined;
  readonly ref?: string;
  readonly purl?: string;
}

function component(name: string, { type, version, license, ref = name, purl }: ComponentFacts) {
  const made = new Models.Component(type, name, { version, bomRef: ref });
  if (purl !== undefined) made.purl = purl;
  if (license !== undefined) made.licenses.add(licenseOf(license));
  return made;
}

/** One of the SPDX list, or an expression of several. */
function licenseOf(license: string) {
  return /[ (]/.test(license) ? new Models.LicenseExpression(license) : new Models.SpdxLicense(license);
}

/** As npm writes it: `sha512-` and Base64. */
function hexOfIntegrity(integrity: string): string {
  return Uint8Array.fromBase64(integrity.slice("sha512-".length)).toHex();
}

async function lastChange(): Promise<Date> {
  return new Date(await git(["log", "-1", "--format=%cI"]));
}

/** Returns the exit code. */
export function main(): Promise<number> {
  return exitCodeOf(async () => {
    const packages = await productPackages();
    const text = bomText(packages, {
      ...{ version: VERSION, denoVersion: Deno.version.deno, changedAt: await lastChange() },
    });
    await Deno.mkdir(`${ROOT}/dist`, { recursive: true });
    await Deno.writeTextFile(`${ROOT}/${SBOM}`, text);
    console.log(`${SBOM} ${packages.length} packages, and Deno ${Deno.version.deno}`);
  });
}

if (import.meta.main) Deno.exitCode = await main();
