/** Secrets on the command line, where whoever may list processes reads them: they work, and draw a warning. */
import { flagName } from "../base/option_name.ts";
import { redactText } from "../base/redact.ts";
import { variableOf } from "./environment.ts";
import { findOption, optionEntries, type OptionKey, type RawOptions } from "./options.ts";

interface GivenByFlags {
  /** As they stand on the command line. */
  readonly written: RawOptions;
  /** With what came from variables in its place. */
  readonly expanded: RawOptions;
}

/** One for each option, with the way out. */
export function secretsOnLine({ written, expanded }: GivenByFlags): string[] {
  return optionEntries().flatMap(([key, { secret, value }]) => {
    if (!secret) return [];
    const after = textsOf(expanded[key]);
    const isShown = textsOf(written[key]).some((text, index) =>
      // What came from a variable does not stand there.
      text === after[index] && (value === "<token>" || redactText(text) !== text)
    );
    return isShown ? [warningOf(key)] : [];
  });
}

/** Each name stands alone: the log would take a word behind one for the secret. */
function warningOf(key: OptionKey): string {
  const [flag, file] = [flagName(key), `${key}File`];
  const inFile = findOption(file) ? ` or in a file (${flagName(file)})` : "";
  return `A secret stands on the command line (${flag}); whoever lists the processes of this machine reads it. ` +
    `Give it in a variable (${variableOf(key)})${inFile}`;
}

function textsOf(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}
