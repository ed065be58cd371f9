/** Programs that judge files which no test of ours runs: workflows, container files, shell scripts. Fetched once, outside of the checkout. */
import { fileURLToPath as fromFileUrl } from "node:url";
import { lacks, prepared, run } from "./tool_cache.ts";

const FOLDER = fromFileUrl(new URL("../fixtures/linters", import.meta.url));

export interface Linter {
  /** What it takes to have it, for the name of a test. */
  readonly wants: string;
  /** Whether it cannot be had here. */
  readonly missing: boolean;
  /** Judges; resolves to what it found, and to nothing where that is nothing. */
  findings(args: readonly string[], options?: LinterOptions): Promise<string>;
}

interface LinterOptions {
  readonly cwd?: string;
}

const python = await packages();
const actionlintFolder = await actionlintBuilt();
const shellcheckFolder = python === undefined ? "" : `${python}/bin`;

export const ZIZMOR = ofPython("zizmor");
export const HADOLINT = ofPython("hadolint");
export const SHELLCHECK = ofPython("shellcheck");
/** Has the schemas of workflows and of Compose inside. */
export const CHECK_JSONSCHEMA = linter("python3 with pip", python, (folder) => ({
  command: ["python3", "-m", "check_jsonschema"],
  env: { PYTHONPATH: folder },
}));
/** Asks shellcheck about the scripts in workflows, where that can be had. */
export const ACTIONLINT = linter("go, 1.25 or later", actionlintFolder, (folder) => ({
  command: [`${folder}/actionlint`],
  env: { PATH: `${shellcheckFolder}:${Deno.env.get("PATH") ?? ""}` },
}));

function ofPython(program: string): Linter {
  return linter("python3 with pip", python, (folder) => ({ command: [`${folder}/bin/${program}`], env: {} }));
}

interface Start {
  readonly command: readonly string[];
  readonly env: Record<string, string>;
}

function linter(wants: string, folder: string | undefined, start: (folder: string) => Start): Linter {
  return {
    wants: `needs ${wants}, and the network once`,
    missing: folder === undefined,
    async findings(args, options = {}) {
      const { command: [program = "", ...words], env } = start(folder ?? "");
      const { success, stdout, stderr } = await new Deno.Command(program, {
        args: [...words, ...args],
        ...{ stdin: "null", env: { ...env, NO_COLOR: "1" }, ...options },
      }).output();
      if (success) return "";
      return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("") ||
        "It failed in silence";
    },
  };
}

/** Undefined where they cannot be had. */
async function packages(): Promise<string | undefined> {
  const right = ["-c", "import pip, sys; print(sys.version_info >= (3, 10))"];
  if (Deno.build.os === "windows" || await lacks("python3", right, /True/)) return undefined;
  const file = `${FOLDER}/requirements.txt`;
  return await unlessOutOfReach(prepared("linters-python", [file], (folder) =>
    run("python3", [
      ...["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"],
      ...["--only-binary", ":all:", "--target", folder, "--requirement", file],
    ])));
}

async function actionlintBuilt(): Promise<string | undefined> {
  if (Deno.build.os === "windows" || await lacks("go", ["version"], /go1\.(?:2[5-9]|[3-9]\d)|go[2-9]/)) {
    return undefined;
  }
  const files = ["go.mod", "go.sum"].map((name) => `${FOLDER}/${name}`);
  const program = "github.com/rhysd/actionlint/cmd/actionlint";
  return await unlessOutOfReach(
    prepared(
      "linters-go",
      files,
      (folder) => run("go", ["build", "-mod=readonly", "-o", `${folder}/`, program], { cwd: FOLDER }),
    ),
  );
}

/**
 * A machine without the network, or a system that one of them is not built for, judges no less of the program. CI on
 * Linux has them all, and there silence would hide a wrong pin.
 */
async function unlessOutOfReach(folder: Promise<string>): Promise<string | undefined> {
  if (Deno.build.os === "linux" && Deno.env.get("CI") === "true") return await folder;
  return await folder.catch(() => undefined);
}
