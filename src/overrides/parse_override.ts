/** An override as somebody has written it: accepted as a whole, or refused with all that is wrong. */
import { escaped } from "../base/outside.ts";
import { REDACTED } from "../base/redact.ts";
import type { NamedChanges } from "../core/backend.ts";
import { isObject } from "../core/message/jsonrpc.ts";
import { bearerToken, isHeaderName, isHeaderValue } from "../options/network_values.ts";
import { isOwnHeader } from "./header_rules.ts";
import type { Override } from "./override.ts";

/** A command is started, and a remote is called. */
export type ServerKind = "command" | "remote";

/** Each problem is one line that begins with the key. */
type ParsedOverride = { readonly override: Override } | { readonly problems: readonly string[] };

type Report = (key: string, why: string) => void;
type Read = (value: unknown, report: Report) => Override;

interface Field {
  /** The servers for which it does something. */
  readonly kind: ServerKind;
  readonly read: Read;
}

const FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  ["args", { kind: "command", read: (value, report) => ({ args: argsIn(value, report) }) }],
  ["env", { kind: "command", read: (value, report) => ({ env: envIn(value, report) }) }],
  ["headers", { kind: "remote", read: (value, report) => ({ headers: headersIn(value, report) }) }],
  ["bearer", { kind: "remote", read: (value, report) => ({ headers: bearerIn(value, report) }) }],
]);

const EXPECTED = "expected any of args, env, headers and bearer";
const OF_ITS_KIND = {
  command: "this server is a command, which is told no headers: expected args or env",
  remote: "this server is a remote, which is not started here: expected headers or bearer",
} as const;
/** What a server is, and where it is served. */
const FIXED =
  /^(?:command|program|stdio|cwd|shell|url|sse|ws|streamablehttp|transport|type|host|port)$|path$/i;

export function parseOverride(value: unknown, kind: ServerKind): ParsedOverride {
  if (!isObject(value)) return { problems: [`${EXPECTED}, in a JSON object`] };
  const problems: string[] = [];
  const report: Report = (key, why) => void problems.push(`${key}: ${why}`);
  const parts = Object.entries(value).map(([key, given]) => partOf(key, given, { kind, report }));
  if ("bearer" in value && isCrossed(value.headers)) {
    report("bearer", "it is the header Authorization, which headers has beside it: expected one of the two");
  }
  if (problems.length > 0) return { problems };
  const headers = Object.assign({}, ...parts.map((part) => part.headers));
  const override = Object.assign({}, ...parts);
  return { override: "bearer" in value ? { ...override, headers } : override };
}

interface PartOptions {
  readonly kind: ServerKind;
  readonly report: Report;
}

function partOf(key: string, value: unknown, { kind, report }: PartOptions): Override {
  const field = FIELDS.get(key);
  if (field?.kind === kind) return field.read(value, report);
  const fixed = FIXED.test(key) ? "cannot be changed while the server is served: " : "no setting: ";
  report(shownName(key), field ? OF_ITS_KIND[kind] : `${fixed}${EXPECTED}`);
  return {};
}

/** Null for all headers says of this one that it is as it is configured. */
function isCrossed(headers: unknown): boolean {
  if (headers === null) return true;
  return isObject(headers) && Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}

function argsIn(value: unknown, report: Report): readonly string[] | null {
  if (value === null) return null;
  if (!Array.isArray(value)) {
    report("args", "expected a list of texts, or null");
    return null;
  }
  value.forEach((arg, index) => {
    const why = whyNoText(arg);
    if (why !== undefined) report(`args[${index}]`, why);
  });
  return value;
}

function envIn(value: unknown, report: Report): NamedChanges | null {
  return namedIn("env", value, { report, check: envFault });
}

function headersIn(value: unknown, report: Report): NamedChanges | null {
  const headers = namedIn("headers", value, { report, check: headerFault });
  if (headers === null) return null;
  const lower = Object.entries(headers).map(([name, text]) => [name.toLowerCase(), text] as const);
  const twice = lower.find(([name], index) => lower.findIndex(([other]) => other === name) < index);
  if (twice) report(`headers.${shownName(twice[0])}`, "given twice: names of headers have no case");
  return Object.fromEntries(lower);
}

function bearerIn(value: unknown, report: Report): NamedChanges {
  if (value === null) return { authorization: null };
  if (typeof value === "string" && value !== REDACTED && bearerToken().safeParse(value).success) {
    return { authorization: `Bearer ${value}` };
  }
  report("bearer", value === REDACTED ? HIDDEN : "expected one token without spaces, or null");
  return {};
}

interface NamedOptions {
  readonly report: Report;
  /** Why this name cannot have this value, or undefined. */
  readonly check: (name: string, value: string | null) => string | undefined;
}

function namedIn(
  field: "env" | "headers",
  value: unknown,
  { report, check }: NamedOptions,
): NamedChanges | null {
  if (value === null) return null;
  if (!isObject(value)) {
    report(field, "expected an object of texts by name, or null");
    return null;
  }
  const entries = Object.entries(value).flatMap(([name, given]): [string, string | null][] => {
    const text = given === null || typeof given === "string" ? given : undefined;
    const why = text === undefined ? "expected a text, or null to take it away" : check(name, text);
    if (why !== undefined) report(`${field}.${shownName(name)}`, why);
    return text === undefined ? [] : [[name, text]];
  });
  return Object.fromEntries(entries);
}

/** Who reads an override is shown this, and may send it back. */
const HIDDEN = `${REDACTED} stands for a secret that is not shown: expected the secret itself`;

function envFault(name: string, value: string | null): string | undefined {
  if (name === "" || /[=\0]/.test(name)) return "expected the name of a variable, without = and NUL";
  return value === null ? undefined : whyNoText(value);
}

function headerFault(name: string, value: string | null): string | undefined {
  if (!isHeaderName(name)) return "expected the name of a header";
  if (isOwnHeader(name)) return "is set by Keystone itself, for each message or connection";
  if (value === REDACTED) return HIDDEN;
  return value === null || isHeaderValue(value) ? undefined : "expected a value that a header may carry";
}

function whyNoText(value: unknown): string | undefined {
  if (typeof value !== "string") return "expected a text";
  if (value === REDACTED) return HIDDEN;
  return value.includes("\0") ? "expected a text without NUL" : undefined;
}

const MAX_NAME_CHARS = 100;

/** Enough of a name to find it; what follows an = may be a value. */
function shownName(name: string): string {
  const shown = name.replace(/[=:\s].*$/s, "").slice(0, MAX_NAME_CHARS);
  return shown === name ? escaped(name) : `${escaped(shown)}…`;
}
