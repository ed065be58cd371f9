/** A folder with configuration files, and a command line that is read in it. */
import { join } from "node:path";
import { NOWHERE, parsed, refusalOf } from "./config.ts";
import type { Surroundings } from "../../src/config/mod.ts";

type Variables = Readonly<Record<string, string>>;

interface ConfigFolder extends AsyncDisposable {
  readonly path: string;
  readonly around: (variables?: Variables) => Surroundings;
  write(name: string, content: string | object): Promise<void>;
  parse(argv: readonly string[], variables?: Variables): ReturnType<typeof parsed>;
  refusal(argv: readonly string[], variables?: Variables): Promise<string>;
}

export async function configFolder(
  files: Readonly<Record<string, string | object>> = {},
): Promise<ConfigFolder> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "keystone-config-" }));
  const around = (variables: Variables = {}): Surroundings => ({
    ...{ ...NOWHERE, cwd: path, home: join(path, "home"), variables },
    exists: (name) => isFile(name),
  });
  const write = async (name: string, content: string | object) => {
    await Deno.mkdir(join(path, name, ".."), { recursive: true });
    await Deno.writeTextFile(
      join(path, name),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  };
  for (const [name, content] of Object.entries(files)) await write(name, content);
  return {
    ...{ path, around, write },
    parse: (argv, variables) => parsed(argv, around(variables)),
    refusal: (argv, variables) => refusalOf(argv, around(variables)),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
