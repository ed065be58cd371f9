import { isSecretName, REDACTED, redactText } from "../base/redact.ts";

const MAX_LABEL_LENGTH = 60; // a banner line with a label and a URL still fits in 120 columns
const MAX_LINE_LENGTH = 1_000; // where a user is to recognise what he has written
const HIDDEN = "***";

const PLAIN_WORD = /^[\w@%+=:,./~^-]+$/;

/** A short printable name of a server's command for logs and banners; what looks like a secret is left out of it. */
export function commandLabel(words: readonly string[]): string {
  return joined(shownWords(words), MAX_LABEL_LENGTH);
}

/** All of a command, each word as a shell would take it; what looks like a secret is left out as well. */
export function commandText(words: readonly string[]): string {
  const quoted = shownWords(words).map((word) => PLAIN_WORD.test(word) ? word : `'${word}'`);
  return joined(quoted, MAX_LINE_LENGTH);
}

function shownWords(words: readonly string[]): string[] {
  return words.map((word, index) => hideSecret(word, words[index - 1]));
}

function joined(words: readonly string[], maxLength: number): string {
  const label = printable(redactText(words.join(" ")).replaceAll(REDACTED, HIDDEN));
  return label.length > maxLength ? `${label.slice(0, maxLength - 1).trimEnd()}…` : label;
}

/** As `commandLabel` for a line that only a shell can split: what is in quotes or braces is left out. */
export function shellLabel(line: string): string {
  const [plain = ""] = /^[^"'`{]*/.exec(line.trim()) ?? [];
  const rest = plain === line.trim() ? [] : ["…"];
  return commandLabel([...(plain.trim() === "" ? ["sh", "-c"] : plain.trim().split(/\s+/)), ...rest]);
}

function hideSecret(word: string, previous: string | undefined): string {
  if (previous !== undefined && announcesSecret(previous) && !word.startsWith("-")) return HIDDEN;
  if (/^\s*[{[]/.test(word)) return HIDDEN; // JSON given as an argument
  return hideAssigned(hideInUrl(hideHeader(word)));
}

/** A flag or a header's name whose value is the next word. */
function announcesSecret(word: string): boolean {
  return /^-|:$|^(bearer|basic)$/i.test(word) && !word.includes("=") && isSecretName(word);
}

function hideHeader(word: string): string {
  return word.replace(/^([\w-]+:\s)[^]*$/, `$1${HIDDEN}`);
}

/** Hides what follows the first secret name in `--api-key=…` or `--env=API_KEY=…`. */
function hideAssigned(word: string): string {
  const parts = word.split("=");
  const name = parts.slice(0, -1).findIndex((name) => isSecretName(name));
  return name < 0 ? word : [...parts.slice(0, name + 1), HIDDEN].join("=");
}

function hideInUrl(word: string): string {
  return word.replace(/:\/\/[^\s/@]*@/g, `://${HIDDEN}@`).replace(/(:\/\/[^\s?]*)\?\S*/g, `$1?${HIDDEN}`);
}

function printable(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\p{Cc}\p{Cf}]/gu, "?").trim();
}
