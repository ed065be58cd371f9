/** Puts the Deno executable and the bundle into one file for each platform: what is shipped where `deno compile` cannot be used. */
import { createHash } from "node:crypto";
import { cksum } from "./cksum.ts";
import { executableOf, type Target } from "./deno_runtime.ts";
import { joinedBytes } from "../../src/base/joined_bytes.ts";
import { type ArchivedFile, tarball } from "./tarball.ts";
import { zip } from "./zip.ts";

export interface PackOptions {
  readonly target: Target;
  /** The path of that platform's executable. */
  readonly deno: string;
  /** The path of the bundle. */
  readonly bundle: string;
  readonly version: string;
  /** What stands between `deno run` and the program. */
  readonly runFlags: readonly string[];
  readonly output: string;
  /** Of the compression; gzip's own by default. */
  readonly level?: number;
}

/** The files' date. The header takes a file of another year for changed. */
const MODIFIED = new Date("2001-01-01T00:00:00Z");

interface Platform {
  readonly system: string;
  /** What `uname -sm` prints there, as a pattern of the shell. */
  readonly machines: string;
}

/** Those with a shell. */
const PLATFORMS: Partial<Record<Target, Platform>> = {
  "x86_64-unknown-linux-gnu": { system: "Linux x64", machines: "'Linux x86_64' | 'Linux amd64'" },
  "aarch64-unknown-linux-gnu": { system: "Linux arm64", machines: "'Linux aarch64' | 'Linux arm64'" },
  "x86_64-apple-darwin": { system: "macOS x64", machines: "'Darwin '*" },
  "aarch64-apple-darwin": { system: "macOS arm64", machines: "'Darwin '*" },
};

/** Whoever runs the old file meanwhile never sees a half-written one. */
export async function pack(options: PackOptions): Promise<void> {
  const content = await packed(options);
  const unfinished = `${options.output}.${crypto.randomUUID()}`;
  try {
    await Deno.writeFile(unfinished, content, { mode: 0o755 });
    await Deno.rename(unfinished, options.output);
  } catch (error) {
    await Deno.remove(unfinished).catch(() => {}); // the first error counts
    throw error;
  }
}

async function packed(options: PackOptions): Promise<Uint8Array> {
  const { target, deno, bundle } = options;
  const files = {
    deno: await archived(deno, executableOf(target), true),
    program: await archived(bundle, "keystone.js", false),
  };
  const platform = PLATFORMS[target];
  return platform ? selfExtracting(files, platform, options) : await windowsZip(files, options);
}

interface Files {
  readonly deno: ArchivedFile;
  readonly program: ArchivedFile;
}

async function archived(path: string, name: string, executable: boolean): Promise<ArchivedFile> {
  return { name, content: await Deno.readFile(path), executable };
}

async function windowsZip({ deno, program }: Files, { runFlags }: PackOptions): Promise<Uint8Array> {
  const script = filled(await template("keystone.cmd"), { RUN_FLAGS: runFlags.join(" ") });
  // cmd.exe misses labels and more in files with line ends of Unix.
  const content = new TextEncoder().encode(script.replaceAll("\n", "\r\n"));
  return zip([deno, { name: "keystone.cmd", content, executable: true }, program], { modified: MODIFIED });
}

async function selfExtracting(files: Files, platform: Platform, options: PackOptions): Promise<Uint8Array> {
  const { deno, program } = files;
  const { version, runFlags, level } = options;
  const both = joinedBytes(deno.content, program.content);
  const sha256 = createHash("sha256").update(both).digest("hex");
  // The executable comes last: it is what says that all is there.
  const archive = tarball([program, deno], { modified: MODIFIED, ...level !== undefined && { level } });
  const header = headerBefore(archive, await template("header.sh"), {
    ...{ VERSION: version, SYSTEM: platform.system, MACHINES: platform.machines },
    ...{ SHA256: sha256, SHORT_DIGEST: sha256.slice(0, 8), CKSUM: cksum(both) },
    ...{ DENO_SIZE: `${deno.content.length}`, BUNDLE_SIZE: `${program.content.length}` },
    ...{ YEAR: `${MODIFIED.getUTCFullYear()}`, RUN_FLAGS: runFlags.join(" ") },
  });
  return joinedBytes(header, archive);
}

/** The header says how long it is, so it is written again until that is right. */
function headerBefore(archive: Uint8Array, template: string, values: Record<string, string>): Uint8Array {
  let header = new Uint8Array();
  for (let length = -1; length !== header.length;) {
    length = header.length;
    const places = { ARCHIVE_AT: `${length + 1}`, FILE_SIZE: `${length + archive.length}` };
    header = new TextEncoder().encode(filled(template, { ...values, ...places }));
  }
  return header;
}

async function template(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(name, import.meta.url));
}

function filled(template: string, values: Record<string, string>): string {
  return template.replace(/@([A-Z]+(?:_[A-Z0-9]+)*|[A-Z]+\d+)@/g, (placeholder, name) => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`Nothing is known for ${placeholder}`);
    return value;
  });
}
