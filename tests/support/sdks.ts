/** The official SDKs of other languages, each with a server and a client of ours: fetched and built once, outside of the checkout. */
import { fileURLToPath as fromFileUrl } from "node:url";
import { lacks, prepared, run } from "./tool_cache.ts";

/** Command lines. */
export interface Sdk {
  readonly server: readonly string[];
  /** Takes a wire and a URL, and prints what came as JSON; undefined where the SDK has one wire alone, which the visitor uses. */
  readonly client?: readonly string[];
  /**
   * Visits a server like small_modern_server.ts and prints what came as JSON. Takes how it settles on an era, which is "auto"
   * or "legacy", and a URL or a command line.
   */
  readonly visitor: readonly string[];
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
const RUST = fixture("sdk_rust");

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
      // Without its warnings of what is deprecated.
      const python = (
        script: string,
      ) => ["env", `PYTHONPATH=${packages}`, "python3", "-W", "ignore", `${PYTHON}/${script}`];
      return { server: python("server.py"), client: python("client.py"), visitor: python("visitor.py") };
    },
  },
  {
    language: "Go",
    missing: await lacks("go", ["version"], /go1\.(?:2[5-9]|[3-9]\d)|go[2-9]/)
      ? "it wants go, 1.25 or later"
      : undefined,
    async prepare() {
      const sources = ["main.go", "visitor.go", "go.mod", "go.sum"].map((name) => `${GO}/${name}`);
      const folder = await prepared(
        "go",
        sources,
        (folder) => run("go", ["build", "-mod=readonly", "-o", `${folder}/sdk`, "."], { cwd: GO }),
      );
      const program = `${folder}/sdk`;
      return { server: [program], client: [program], visitor: [program, "visit"] };
    },
  },
  {
    language: "Rust",
    missing: await missingForRust(),
    async prepare() {
      const sources = ["main.rs", "server.rs", "visitor.rs", "Cargo.toml", "Cargo.lock"].map((name) =>
        `${RUST}/${name}`
      );
      const folder = await prepared("rust", sources, async (folder) => {
        const target = `${folder}/target`;
        await run("cargo", ["build", "--quiet", "--locked", "--target-dir", target], { cwd: RUST });
        await Deno.rename(`${target}/debug/sdk`, `${folder}/sdk`);
        await Deno.remove(target, { recursive: true });
      });
      const program = `${folder}/sdk`;
      return { server: [program], visitor: [program, "visit"] };
    },
  },
];

/** Its SDK takes minutes to build, of which a run of all tests has not many: who wants it says so. */
async function missingForRust(): Promise<string | undefined> {
  if (!Deno.env.has("RUST_SDK")) return "it wants minutes to be built, and RUST_SDK=1 in the environment";
  const lacking = await lacks("cargo", ["--version"], /cargo 1\.(?:8[89]|9\d|\d{3})|cargo [2-9]/);
  return lacking ? "it wants cargo, 1.88 or later" : undefined;
}

function fixture(name: string): string {
  return fromFileUrl(new URL(`../fixtures/${name}`, import.meta.url));
}
