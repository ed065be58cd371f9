/** Whose word counts where a server is given in more than one place. */
import type { ConfigurationFile } from "./file/configuration_file.ts";
import type { Layer } from "./layers.ts";
import { isWhichServer } from "./options.ts";
import type { Problem } from "./problem.ts";
import type { Operands } from "./server_input.ts";

/** What names a server outside a file, as its user would call it. */
export function serverGivenIn(layers: readonly Layer[], { argv, url }: Operands): string | undefined {
  if (argv.length > 0) return "a command after --";
  if (url) return "a URL";
  for (const { values, nameOf } of layers) {
    const key = Object.keys(values).find((key) =>
      isWhichServer(key) && String(values[key] ?? "").trim() !== ""
    );
    if (key !== undefined) return nameOf(key);
  }
  return undefined;
}

/** A file that somebody has named is not to be overruled by chance. */
export function twoGivers(file: ConfigurationFile | undefined, elsewhere: string | undefined): Problem[] {
  if (file === undefined || elsewhere === undefined || file.servers.length === 0) return [];
  const names = file.servers.map(({ name }) => name).join(", ");
  const text =
    `More than one server given, ${elsewhere} and those of ${file.path} (${names}): expected one or the other`;
  return [{ text }];
}

/** One that was found gives way. */
export function overruled(file: ConfigurationFile | undefined, elsewhere: string | undefined): string[] {
  if (file === undefined || elsewhere === undefined || file.ignored.length === 0) return [];
  const names = file.ignored.join(", ");
  return [
    `${elsewhere} takes the place of the servers of ${file.path} (${names}), whose other settings count`,
  ];
}
