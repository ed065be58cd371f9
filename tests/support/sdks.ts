/** The official SDKs of other languages, each with a server and a client of ours: fetched and built once, outside of the checkout. */
import { fileURLToPath as fromFileUrl } from "node:url";

/** Command lines. */
export interface Sdk {
  readonly server: readonly string[];
  /** Takes a wire and a URL, and prints what came as JSON. */
  readonly client: readonly string[];
}

export interface Toolchain {
  readonly language: string;
  /** Why it cannot be used here, if it cannot. */
  readonly missing: string | undefined;
  /** Fetches and builds where that was not done before. Throws with what the toolchain said. */
  prepare(): Promise<Sdk>;
}

const PYTHON = fixture("sdk_python");
const GO = fixture("sdk_go");

export const TOOLCHAINS: readonly Toolchain[] = [
  {
    language: "Python",
    missing: await lacks("python3", ["-c", "import pip, sys; print(sys.version_info >= (3, 10))"], /True/)
      ? "it wants python3, 3.10 or later, with pip"
      : undefined,
    async prepare() {
      const packages = await prepared("python", [`${PYTHON}/requirements.txt`], (folder) =>
        run("python3", [
          ...["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"],
          ...["--target", folder, "--requirement", `${PYTHON}/requirements.txt`],
        ]));
      const python = (script: string) => ["env", `PYTHONPATH=${packages}`, "python3", `${PYTHON}/${script}`];
      return { server: python("server.py"), client: python("client.py") };
    },
  },
  {
    language: "Go",
    missing: await lacks("go", ["version"], /go1\.(?:2[5-9]|[3-9]\d)|go[2-9]/)
      ? "it wants go, 1.25 or later"
      : undefined,
    async prepare() {
      const sources = ["main.go", "go.mod", "go.sum"].map((name) => `${GO}/${name}`);
      const folder = await prepared(
        "go",
        sources,
        (folder) => run("go", ["build", "-mod=readonly", "-o", `${folder}/sdk`, "."], GO),
      );
      return { server: [`${folder}/sdk`], client: [`${folder}/sdk`] };
    },
  },
];

function fixture(name: string): string {
  return fromFileUrl(new URL(`../fixtures/${name}`, import.meta.url));
}

async function lacks(program: string, args: readonly string[], right: RegExp): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command(program, { args: [...args], stdin: "null", stderr: "null" })
      .output();
    return !right.test(new TextDecoder().decode(stdout));
  } catch {
    return true; // There is none, or none that can be run.
  }
}

/** The folder of what was made of these files, made in one step: others may be at it at the same time. */
async function prepared(
  name: string,
  files: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const parent = cacheFolder();
  const folder = `${parent}/${name}-${await digest(files)}`;
  if (await exists(folder)) return folder;
  await Deno.mkdir(parent, { recursive: true });
  const making = await Deno.makeTempDir({ dir: parent });
  try {
    await make(making);
    await Deno.rename(making, folder);
  } catch (error) {
    await Deno.remove(making, { recursive: true });
    // Somebody else was first.
    if (!await exists(folder)) throw error;
  }
  return folder;
}

function cacheFolder(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? ""}/.cache`;
  return `${home}/keystone-tests`;
}

async function digest(files: readonly string[]): Promise<string> {
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(texts.join("\0")));
  return new Uint8Array(bytes.slice(0, 8)).toHex();
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function run(program: string, args: readonly string[], cwd?: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    ...cwd === undefined ? {} : { cwd },
  }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}:\n${new TextDecoder().decode(stderr).trim()}`);
}
