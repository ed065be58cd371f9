/**
 * Takes secrets out of what is told: by the name of a field, however it is written, and by the shape of a value. One
 * table for logs, health and messages. It is a net and not a wall: a secret without a name and without a shape passes.
 *
 * All of it takes linear time: each pattern begins where its first character stands and nothing like it before, or has
 * a bound on every repetition.
 */

export const REDACTED = "[REDACTED]";

// --- by name ---

/** Anywhere in a name without its separators: `dbPassword`, `DB_PASSWORD` and `dbpassword` are one name. */
const NAME_PARTS =
  /passw(?:or)?d|passphrase|passcode|secret(?!ar)|credential|(?:api|access|private|secret|signing|encryption|master|shared|account|storage|license|ssh|pgp|gpg|deploy)key|conn(?:ection)?str|authori[sz]ation|cookie|bearer|mnemonic|(?:seed|recovery)phrase|(?:auth|authorization|verification|recovery|backup|security|device|onetime|pin)codes?$|codeverifier|session(?:id|key)|xsrf|csrf/;
/** The whole name, or its last word: `smtp_pass` is one, `pass-through` is none. */
const LAST_WORDS = new Set(
  "pass pwd pw key auth otp totp pin sid sig signature jwt dsn cred creds token args argv".split(" "),
);
/** Names that are written as one word. */
const JOINED =
  /(?:token|pwd)$|^(?:db|user|smtp|root|admin|mail|my|pg|ftp|ssh|redis|mongo|proxy|login|http)pass$/;
/** `api_key_1` and `tokenValue` end in something that adds nothing. */
const FILLERS = new Set(
  "value values string text raw data base64 b64 hex pem plain header env var current new old".split(" "),
);

/** What tells about a secret, and is none: `tokenType`, `auth_method`, `password-policy`. */
const ABOUT = new Set(
  ("type types endpoint count counts limit limits budget length policy expires expiry expiration ttl method methods " +
    "required enabled supported scheme rotation").split(" "),
);
/** What makes of the word before it something else than a secret. */
const HARMLESS_TOKEN =
  /^(?:progress|max|min|num|total|used|input|output|prompt|completion|cached|reasoning|stop|eos|bos|pad|unk)+tokens?$/;
const HARMLESS_KEY = new Set(
  "public primary foreign sort partition cache group idempotency progress i18n".split(" "),
);

/** Whether any name of the table may be in it: most words are done with this. */
const HINT =
  /pass|pwd|pw|secret|token|key|auth|cred|cookie|bearer|sig|jwt|otp|pin|sid|dsn|conn|csrf|xsrf|mnemonic|arg|session|code|seed|phrase/i;
const LONGEST_NAME = 200;
const LONGEST_NUMBER = 30;

/** Whether what is called so is a secret. A count of `tokens` is none. */
export function isSecretName(name: string, value?: unknown): boolean {
  if (!HINT.test(name) || name.length > LONGEST_NAME) return false;
  const words = wordsOf(name);
  const joined = words.join("");
  if (HARMLESS_TOKEN.test(joined)) return false;
  while (words.length > 1 && FILLERS.has(words.at(-1)!)) words.pop();
  const last = words.at(-1) ?? "";
  if (ABOUT.has(last)) return false;
  if (NAME_PARTS.test(joined) || JOINED.test(joined)) return true;
  if (last === "tokens") return !isNumeric(value);
  if (last === "key" && HARMLESS_KEY.has(words.at(-2) ?? "")) return false;
  return LAST_WORDS.has(last);
}

/** `OAuth2Bearer`, `oauth2_bearer` and `--oauth2-bearer` have the same words; digits are none. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== "");
}

function isNumeric(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value));
}

// --- by shape ---

const SHAPES: readonly (readonly [RegExp, string])[] = [
  // A private key in PEM; one that breaks off is hidden to the end.
  [
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|$)/g,
    REDACTED,
  ],
  // Credentials in a URL, up to the last @ of its authority; and a password with a slash in it, which is no port.
  [/(?<=:\\?\/\\?\/)[^\s/?#"'`<>\\]*@/g, `${REDACTED}@`],
  [/(?<=:\\?\/\\?\/)[^\s/?#"'`<>@:]{0,128}:(?!\d{1,5}(?:[/?#\s]|$))[^\s"'`<>]{0,256}@/g, `${REDACTED}@`],
  // The same without a scheme, as in a DSN of Go; `npm:zod@4` is a package.
  [
    /(?<![\w.@:/+-])(?!(?:npm|jsr|node|mailto|acct|sips?|xmpp|pkg|link|workspace):)[\w.+-]{1,64}:[^\s@:/"'`]{1,128}@(?=[\w[(])/g,
    `${REDACTED}@`,
  ],
  // JWT, signed or encrypted.
  [/(?<![\w-])eyJ[\w-]*\.[\w-]*(?:\.[\w-]*){0,3}/g, REDACTED],
  [/\b(Bearer|Basic|Negotiate)\s{1,8}[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  // Keys that tell by their beginning whose they are.
  [
    /\b(?:sk-[\w-]{16,}|[rps]k_(?:live|test)_\w{10,}|ks_[0-9a-f]{12}_[\w-]{20,}|whsec_\w{10,}|gh[oprsu]_\w{16,}|github_pat_\w{16,}|gl[a-z]{2,8}-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|xapp-[\w-]{10,}|A[KS]IA[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w-]{16,}|npm_\w{30,}|pypi-[\w-]{16,}|hf_\w{20,}|dop_v1_\w{16,}|SG\.[\w-]{10,}\.[\w-]{10,}|shp(?:at|ca|pa|ss)_\w{16,}|lin_api_\w{16,}|xai-\w{16,}|gsk_\w{16,}|r8_\w{20,}|pcsk_\w{16,}|sb[a-z]?_\w{20,}|AGE-SECRET-KEY-\w{10,}|\d{8,10}:[\w-]{35}(?![\w-]))/g,
    REDACTED,
  ],
  [
    /\b(hooks\.slack\.com\/(?:services|workflows)|discord(?:app)?\.com\/api\/webhooks)\/[^\s"'`<>]+/g,
    `$1/${REDACTED}`,
  ],
];

// --- in a text ---

/** Words, and the names that are written with a space. */
const NAME =
  /(?:connection string|(?:seed|recovery|pass) phrase|(?:verification|recovery|security|auth|pass|device|one-time) code|[\w.$-]+)/gi;
/** Between a name and its value: the quote that ends the name, a bracket, a sign. */
const SIGN = /(\\{0,31}["'`])?[\])]?[ \t]{0,8}(=>|:=|={1,3}|:(?!:)|,)?\s{0,8}/y;
/** Of an element: `<password>x</password>`. */
const CONTENT = /[^<]+/y;
const OPENING = /(\\{0,31})["'`]/y;
const PLAIN = /(?:[^\s"'`&<>|\\]|\\(?!\\{0,31}["'`]))+/y;
const NEXT_WORD = /(?:[^\s"'`\\]|\\(?!\\{0,31}["'`]))+/y;
const REST_OF_LINE = /(?:[^\r\n"'`\\]|\\(?!\\{0,31}["'`nr]))+/y;
const LITERAL = /(?:true|false|null|undefined|none|nil|NaN)(?![\w-])/iy;
const SCHEME = /(?:Bearer|Basic|Digest|Token|Negotiate|ApiKey)\s{1,8}/iy;
/** "the key is 9f8e7d…": no sign, but nothing else looks like that. */
const LONG_RANDOM =
  /\s{1,3}(?:(?:is|was|of)\s{1,3})?["'`(]?((?=[A-Za-z+/_=-]{0,199}\d)(?=[\d+/_=-]{0,199}[A-Za-z])[\w+/=-]{20,})/y;
/** Headers and phrases whose value has spaces in it. */
const LONG_VALUE = /authori[sz]ation$|cookie$|phrase$|mnemonic$/i;
const HEADER_NAME = /^(?:proxy-)?authorization$|cookie$|api-?key$/i;

/** The text without what looks like a secret. Linear in its length. */
export function redactText(text: string): string {
  return withoutNamed(SHAPES.reduce((left, [shape, replacement]) => left.replace(shape, replacement), text));
}

/** Hides values behind their names: `name=value`, `"name": "value"` at any depth of escaping, `--name value`. */
function withoutNamed(text: string): string {
  let shown = "";
  let done = 0;
  NAME.lastIndex = 0;
  for (let found; (found = NAME.exec(text));) {
    const [name] = found;
    if (!isSecretName(name)) continue;
    const span = valueAfter(text, NAME.lastIndex, name);
    if (!span || !isSecretName(name, text.slice(span.from, Math.min(span.to, span.from + LONGEST_NUMBER)))) {
      continue;
    }
    shown += text.slice(done, span.from) + REDACTED;
    done = NAME.lastIndex = span.to;
  }
  return done === 0 ? text : shown + text.slice(done);
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function valueAfter(text: string, end: number, name: string): Span | undefined {
  if (text[end] === ">" && /[<:]/.test(text[end - name.length - 1] ?? "")) {
    return upTo(CONTENT, text, end + 1);
  }
  SIGN.lastIndex = end;
  const [all = "", quote, sign] = SIGN.exec(text) ?? [];
  const from = end + all.length;
  const isFlag = name.startsWith("-");
  if (sign === undefined && !(isFlag && /\s$/.test(all))) return longRandom(text, end);
  if (sign === "," && !(isFlag || (quote !== undefined && HEADER_NAME.test(name)))) return undefined;
  if (isFlag && sign !== "=" && text[from] === "-") return undefined;
  return secretValueAt(text, from, { name, isFlag });
}

function secretValueAt(
  text: string,
  from: number,
  { name, isFlag }: { name: string; isFlag: boolean },
): Span | undefined {
  if (matchEnd(LITERAL, text, from) !== undefined) return undefined;
  OPENING.lastIndex = from;
  const opening = OPENING.exec(text);
  if (opening) {
    return { from: from + opening[0].length, to: closingQuote(text, from + opening[0].length, opening[0]) };
  }
  if (text[from] === "{" || text[from] === "[") return { from, to: closingBracket(text, from) };
  if (LONG_VALUE.test(name)) return upTo(REST_OF_LINE, text, from);
  const scheme = matchEnd(SCHEME, text, from);
  const plain = upTo(isFlag ? NEXT_WORD : PLAIN, text, scheme ?? from);
  return plain && trimmed(text, plain);
}

function upTo(pattern: RegExp, text: string, from: number): Span | undefined {
  const to = matchEnd(pattern, text, from);
  return to === undefined ? undefined : { from, to };
}

function matchEnd(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** Without the punctuation behind a value. */
function trimmed(text: string, { from, to }: Span): Span {
  while (to > from && /[,;.)\]}]/.test(text[to - 1] ?? "")) to--;
  return { from, to };
}

/** Where a text ends that began with this quote: in JSON within JSON the quotes have backslashes, inner ones more. */
function closingQuote(text: string, from: number, opening: string): number {
  const quote = opening.at(-1)!;
  const slashes = opening.length - 1;
  for (let at = text.indexOf(quote, from); at >= 0; at = text.indexOf(quote, at + 1)) {
    let before = 0;
    while (at - before > from && text[at - before - 1] === "\\") before++;
    if (before >= slashes && (before - slashes) % (2 * (slashes + 1)) === 0) return at - slashes;
  }
  return text.length;
}

const BRACKETS = /[{}[\]]/g;

function closingBracket(text: string, from: number): number {
  let depth = 0;
  BRACKETS.lastIndex = from;
  for (let found; (found = BRACKETS.exec(text));) {
    depth += found[0] === "{" || found[0] === "[" ? 1 : -1;
    if (depth === 0) return BRACKETS.lastIndex;
  }
  return text.length;
}

function longRandom(text: string, end: number): Span | undefined {
  LONG_RANDOM.lastIndex = end;
  const [, value] = LONG_RANDOM.exec(text) ?? [];
  return value === undefined
    ? undefined
    : { from: LONG_RANDOM.lastIndex - value.length, to: LONG_RANDOM.lastIndex };
}

// --- line by line ---

/** More than any key has: after that many lines it is no key, or its end never came. */
const KEY_LINES = 200;

/** For a text that comes line by line: hides the lines of a private key, which one by one have no shape. */
export function privateKeyLines(): (line: string) => string {
  let left = 0;
  return (line) => {
    const begins = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/.test(line);
    const within = left > 0;
    if (begins) left = KEY_LINES;
    else if (within) left--;
    if (/-----END [A-Z0-9 ]{0,40}PRIVATE KEY/.test(line)) left = 0;
    if (begins) return redactText(line);
    return within ? REDACTED : line;
  };
}
