// deno-lint-ignore-file no-console -- a script reports to the terminal
/** Builds the npm package: the folder dist/npm, and from it the tarball that is published. */
import config from "../deno.json" with { type: "json" };
import template from "../npm/package.json" with { type: "json" };
import { bundle, BundleError } from "./bundle.ts";
import { RUN_FLAGS } from "./compile.ts";
import { ROOT } from "./run_deno.ts";

/** What npm knows the program as. */
export const PACKAGE = template.name;

interface NpmOptions {
  /** Gets the folder and the tarball. */
  output?: string;
}

class NpmError extends Error {
  override name = "NpmError";
}

/** Resolves to the path of the tarball. Throws NpmError where npm is missing. */
export async function npmPackage({ output = `${ROOT}/dist` }: NpmOptions = {}): Promise<string> {
  const folder = `${output}/npm`;
  await emptied(folder);
  await bundle({ output: `${folder}/keystone.js` });
  for await (const { name } of Deno.readDir(`${ROOT}/npm`)) {
    if (name !== "package.json") await Deno.copyFile(`${ROOT}/npm/${name}`, `${folder}/${name}`);
  }
  await Deno.copyFile(`${ROOT}/LICENSE`, `${folder}/LICENSE`);
  await writeJson(`${folder}/package.json`, manifest(Deno.env.toObject()));
  await writeJson(`${folder}/run_flags.json`, RUN_FLAGS);
  await pack(folder, output);
  return `${output}/${PACKAGE}-${config.version}.tgz`;
}

/** What an older build has left is not to be packed. */
async function emptied(folder: string): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.mkdir(folder, { recursive: true });
}

type Variables = Readonly<Record<string, string | undefined>>;

/** `package.json` of the package. A workflow publishes with provenance, and npm wants its repository to be named then. */
export function manifest({ GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository }: Variables) {
  const { version, license } = config;
  const { name, ...rest } = template;
  const url = server && repository ? `git+${server}/${repository}.git` : undefined;
  return { name, version, license, ...rest, ...url && { repository: { type: "git", url } } };
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, `${JSON.stringify(value, undefined, 2)}\n`);
}

async function pack(folder: string, output: string): Promise<void> {
  const args = ["pack", "--ignore-scripts", "--pack-destination", output];
  const { success, stderr } = await runNpm(args, folder);
  if (!success) {
    throw new NpmError(`npm pack failed in ${folder}:\n${new TextDecoder().decode(stderr).trim()}`);
  }
}

async function runNpm(args: readonly string[], cwd: string): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command("npm", { args: [...args], cwd, stdin: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new NpmError(
      `npm is not on the PATH: install Node.js, which brings it, to pack ${folderName(cwd)}`,
    );
  }
}

function folderName(path: string): string {
  return path.startsWith(`${ROOT}/`) ? path.slice(ROOT.length + 1) : path;
}

/** Returns the exit code. */
export async function main(): Promise<number> {
  try {
    const tarball = await npmPackage();
    const { size } = await Deno.stat(tarball);
    console.log(`${folderName(tarball)} ${Math.ceil(size / 1024)} KiB`);
    return 0;
  } catch (error) {
    if (!(error instanceof NpmError || error instanceof BundleError)) throw error;
    console.error(error.message);
    return 1;
  }
}

if (import.meta.main) Deno.exitCode = await main();
