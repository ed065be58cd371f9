/** Finds the program of a command line before anything is started, as a shell would. */
import { delimiter, isAbsolute, resolve } from "node:path";
import { ConfigError } from "../../core/errors.ts";

/** Not there, not ours to read, a folder on the way is a file or a circle, or no file can have such a name. */
const ABSENT = new Set<unknown>(["ENOENT", "EACCES", "ENOTDIR", "ELOOP", "ENAMETOOLONG"]);

interface ResolveOptions {
  /** Where the child will run; a relative program path counts from here. */
  cwd?: string | undefined;
  /** The child's search path (`PATH`). */
  path?: string | undefined;
  /** Windows: the endings to try (`PATHEXT`). */
  pathExt?: string | undefined;
}

/** The absolute path of a program. Throws ConfigError when there is none that can be executed. */
export function resolveCommand(program: string, options: ResolveOptions = {}): string {
  const { cwd = Deno.cwd(), path = Deno.env.get("PATH") ?? "" } = options;
  const endings = endingsFor(program, options.pathExt);
  const isPath = program.includes("/") || (Deno.build.os === "windows" && program.includes("\\"));
  const folders = isPath || isAbsolute(program) ? [cwd] : path.split(delimiter).filter(Boolean);
  for (const folder of folders) {
    for (const ending of endings) {
      const candidate = resolve(cwd, folder, program + ending);
      if (isExecutable(candidate)) return candidate;
    }
  }
  const where = isPath ? "there is no such executable file" : "it is not in PATH";
  throw new ConfigError(`command "${program}" not found: ${where}`);
}

function endingsFor(program: string, pathExt = Deno.env.get("PATHEXT") ?? ".COM;.EXE;.BAT;.CMD"): string[] {
  if (Deno.build.os !== "windows") return [""];
  const endings = pathExt.split(";").filter(Boolean);
  const hasEnding = endings.some((ending) => program.toLowerCase().endsWith(ending.toLowerCase()));
  return hasEnding ? [""] : endings;
}

function isExecutable(file: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(file);
    return isFile && (Deno.build.os === "windows" || mode === null || (mode & 0o111) !== 0);
  } catch (error) {
    if (error instanceof Error && "code" in error && ABSENT.has(error.code)) return false;
    throw error;
  }
}
