/** Which configuration file is meant where nobody has named one. */
import { join } from "node:path";
import { EXTENSIONS } from "../document/document.ts";

export interface Found {
  readonly path: string;
  readonly warnings: readonly string[];
}

export interface FindOptions {
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly home: string | undefined;
  readonly os: typeof Deno.build.os;
  /** Whether a file is there. */
  readonly exists: (path: string) => boolean;
}

/** The first folder that has one: the working directory, then those of the user. */
export function findConfigurationFile({ exists, ...options }: FindOptions): Found | undefined {
  for (const folder of ["", ...userFolders(options)]) {
    const names = EXTENSIONS.map((extension) => join(folder, `keystone.${extension}`));
    const [path, ...others] = names.filter((name) => exists(folder === "" ? join(options.cwd, name) : name));
    if (path !== undefined) {
      return {
        path,
        warnings: others.map((other) => `${other} is not read, since ${path} is`),
      };
    }
  }
  return undefined;
}

/** Where a user's own configuration belongs. */
export function userFolders({ variables, home, os }: Omit<FindOptions, "cwd" | "exists">): string[] {
  if (os === "windows") return variables.APPDATA ? [join(variables.APPDATA, "keystone")] : [];
  const xdg = variables.XDG_CONFIG_HOME || (home === undefined ? undefined : join(home, ".config"));
  return [
    ...xdg === undefined ? [] : [join(xdg, "keystone")],
    ...os === "darwin" && home !== undefined
      ? [join(home, "Library", "Application Support", "keystone")]
      : [],
  ];
}
