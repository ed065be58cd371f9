/** A command line that comes to the same elsewhere: with the file that was found here, and the variables that are set here. */
import { findOption } from "../../config/commands.ts";
import { variableOf } from "../../config/mod.ts";
import type { Configured } from "../loading.ts";

/** In the place of what is not to be shown. */
const PLACEHOLDER = "YOUR_SECRET";

export interface Line {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What its user has to know of it. */
  readonly notes: readonly string[];
}

/** The flags, as they were written, and what they came to. */
export function lineOf(
  serving: readonly string[],
  { origins, file }: Configured,
  env = Deno.env.toObject(),
): Line {
  const keys = [...origins].flatMap(([key, origin]) => origin === "environment" ? [key] : []);
  const isSecret = (key: string) => findOption(key)?.secret === true;
  const valueOf = (key: string) => isSecret(key) ? PLACEHOLDER : env[variableOf(key)] ?? "";
  const variables = keys.map((key) => [variableOf(key), valueOf(key)] as const);
  return {
    words: withFile(serving, file),
    ...variables.length > 0 && { env: Object.fromEntries(variables) },
    notes: [
      ...keys.filter(isSecret).map((key) => `${PLACEHOLDER} stands for the value of ${variableOf(key)}`),
      ...givesWay(file)
        ? [`${file?.place} does not count there, since its servers give way to another one`]
        : [],
    ],
  };
}

/** A file that was only found gives way to a server that is given; one that is named would not. */
function givesWay(file: Configured["file"]): boolean {
  return file !== undefined && file.ignored.length > 0;
}

/** Its whole path: a client starts what it starts in a folder of its own. */
function withFile(serving: readonly string[], file: Configured["file"]): string[] {
  if (file?.place === undefined || givesWay(file)) return [...serving];
  const { path, place } = file;
  const end = serving.includes("--") ? serving.indexOf("--") : serving.length;
  const own = serving.slice(0, end);
  const whole = own.map((word) =>
    word === path ? place : word === `--config=${path}` ? `--config=${place}` : word
  );
  const isNamed = own.some((word) => word === path || word === `--config=${path}`);
  return [...whole, ...isNamed ? [] : ["--config", place], ...serving.slice(end)];
}
