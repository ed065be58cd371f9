/** The Deno executable of each platform, as its npm package has it. */
import { join } from "node:path";
import { statIfPresent } from "../source_files.ts";

/** The one that everything here is built and tested with. */
export const DENO_VERSION = "2.9.6";

/** npm's packages of the executables, each with the digest of its tarball at that version. */
const PACKAGES = {
  "x86_64-unknown-linux-gnu": {
    name: "@deno/linux-x64-glibc",
    integrity:
      "sha512-3md4TKLCuzsLDmfOoC5KN7NAZaxSVkMgm64vg6foD00JBADCpYS2/5QqXfzgnP5ZQz3iLP9vBQJtEgc116OAoQ==",
  },
  "aarch64-unknown-linux-gnu": {
    name: "@deno/linux-arm64-glibc",
    integrity:
      "sha512-poqhoH9B3nYloigEMPT5t8HY+wBeiuea1An5Q7fqgJzP0SYmWsoS/oUnWO/pEiA4ofzIBy1Elt/in58xKtxEoQ==",
  },
  "x86_64-apple-darwin": {
    name: "@deno/darwin-x64",
    integrity:
      "sha512-tPi3CWPRdjW1MaWlvWjORE7Ass5SADdWdj1BF1Q1PEdzi+5u/mC5YhmZzniMiPr81PpaFeqjXaLAsfb8lFsZ0Q==",
  },
  "aarch64-apple-darwin": {
    name: "@deno/darwin-arm64",
    integrity:
      "sha512-V8uO1Aolrl/yvdMb5lOtgtigs8YuZBjrOrgviVMiYkQ0swymFfzkae1wZak4Xi24t7vf7d/eiMb/7ryjjVm+tg==",
  },
  "x86_64-pc-windows-msvc": {
    name: "@deno/win32-x64",
    integrity:
      "sha512-qRGnmVz/Ea6UWPht/S3xFRK17UZ/ls38DSVfgGB17fpASLxPkksqzWUI/BzL9YYoOknYzfc94mySGyInZu/JXw==",
  },
} as const;

export type Target = keyof typeof PACKAGES;

/** The executable could not be had; the message says why. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
}

/** The path of the executable: the one that runs this, or fetched by npm into `cache`, where it is found again. */
export async function denoRuntime(target: Target, cache: string): Promise<string> {
  if (target === Deno.build.target) return own();
  const folder = join(cache, `${target}-${DENO_VERSION}`);
  const path = join(folder, executableOf(target));
  if (await statIfPresent(path)) return path;
  await fetchRuntime(target, folder);
  return path;
}

export function executableOf(target: Target): string {
  return target.includes("windows") ? "deno.exe" : "deno";
}

function own(): string {
  if (Deno.version.deno === DENO_VERSION) return Deno.execPath();
  throw new RuntimeError(
    `Cannot pack Deno ${Deno.version.deno}: releases have ${DENO_VERSION}. Start this with npx -y deno@${DENO_VERSION}`,
  );
}

/** The folder comes to be at once, with all that belongs into it. */
async function fetchRuntime(target: Target, folder: string): Promise<void> {
  const unfinished = `${folder}.${crypto.randomUUID()}`;
  await Deno.mkdir(unfinished, { recursive: true });
  try {
    const tarball = await npmPack(target, unfinished);
    await run(
      "tar",
      ["-xzf", tarball, "--strip-components=1", `package/${executableOf(target)}`],
      unfinished,
    );
    await Deno.remove(join(unfinished, tarball));
    await Deno.rename(unfinished, folder);
  } catch (error) {
    await Deno.remove(unfinished, { recursive: true });
    // Somebody else may have been quicker.
    if (!await statIfPresent(folder)) throw error;
  }
}

/** The tarball's name. npm has checked it against the registry's digest, which has to be ours. */
async function npmPack(target: Target, folder: string): Promise<string> {
  const { name, integrity } = PACKAGES[target];
  const specifier = `${name}@${DENO_VERSION}`;
  const [packed]: [{ filename: string; integrity: string }] = JSON.parse(
    await run(Deno.build.os === "windows" ? "npm.cmd" : "npm", ["pack", specifier, "--json"], folder),
  );
  if (packed.integrity === integrity) return packed.filename;
  throw new RuntimeError(`Refused ${specifier}: its digest is ${packed.integrity}, and was ${integrity}`);
}

async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const output = await outputOf(program, args, cwd);
  if (output.success) return new TextDecoder().decode(output.stdout);
  throw failed(program, args, new TextDecoder().decode(output.stderr).trim());
}

async function outputOf(program: string, args: readonly string[], cwd: string): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command(program, { args: [...args], cwd, stdin: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw failed(program, args, `there is no ${program} on the PATH`);
  }
}

function failed(program: string, args: readonly string[], why: string): RuntimeError {
  return new RuntimeError(`Cannot run ${program} ${args.join(" ")}: ${why}`);
}
