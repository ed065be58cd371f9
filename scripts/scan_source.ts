/** Reads what a TypeScript source imports and names, without building its modules. */

/** What the layer check wants to know about one source file. */
export interface SourceScan {
  /** Specifiers of imports, re-exports, type imports and literal dynamic imports, in order of appearance. */
  readonly imports: readonly string[];
  /** Every identifier outside comments and strings. */
  readonly names: ReadonlySet<string>;
}

interface Token {
  readonly kind: "name" | "string" | "other";
  /** A string's text is what stands between its quotes. */
  readonly text: string;
}

interface Reader {
  readonly source: string;
  at: number;
}

const BLANK = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|^#![^\n]*)+/uy;
const NAME = /[\p{ID_Start}$_][\p{ID_Continue}$]*/uy;
const NUMBER = /\d[\w.]*/uy;
const STRING = /"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/uy;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^\\/[\n])+\/[a-z]*/uy;
const TEMPLATE_TEXT = /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{|$)/uy;

// After these words a slash starts a regular expression; after any other name it divides.
const WORDS_BEFORE_VALUE = new Set(
  ["return", "typeof", "case", "in", "of", "do", "else", "void", "throw", "new", "delete", "await", "yield"],
);

/** Scans one source. Broken code does not throw: the compiler is who complains about it. */
export function scanSource(source: string): SourceScan {
  const tokens = [...readTokens({ source, at: 0 })];
  const names = tokens.filter(({ kind }) => kind === "name").map(({ text }) => text);
  const specifiers = tokens.filter(({ kind }, index) => kind === "string" && isSpecifier(tokens, index));
  return { imports: specifiers.map(({ text }) => text), names: new Set(names) };
}

/** True for `from "x"`, `import "x"` and `import("x")`, which is also how a type is imported in place. */
function isSpecifier(tokens: readonly Token[], index: number): boolean {
  const [beforeThat, before, last] = [3, 2, 1].map((back) => wordAt(tokens, index - back));
  if (last === "from" || last === "import") return before !== ".";
  return last === "(" && before === "import" && beforeThat !== ".";
}

function wordAt(tokens: readonly Token[], index: number): string | undefined {
  const token = tokens[index];
  return token?.kind === "string" ? undefined : token?.text;
}

/** A template's substitutions are code, so the braces that are open are counted to find where its text goes on. */
function* readTokens(reader: Reader): Generator<Token> {
  const braces: ("{" | "${")[] = [];
  let previous: Token | undefined;
  for (let token = readToken(reader, previous); token; token = readToken(reader, previous)) {
    if (token.text === "{" && token.kind === "other") braces.push("{");
    if (token.text === "`" || (token.text === "}" && token.kind === "other" && braces.pop() === "${")) {
      token = readTemplate(reader, token);
      if (token.text === "${") braces.push("${");
    }
    yield previous = token;
  }
}

function readToken(reader: Reader, previous: Token | undefined): Token | undefined {
  take(reader, BLANK);
  const name = take(reader, NAME);
  if (name) return { kind: "name", text: name };
  const quoted = take(reader, STRING);
  if (quoted) return { kind: "string", text: quoted.slice(1, -1) };
  const value = take(reader, NUMBER) ?? (mayStartValue(previous) ? take(reader, REGEX) : undefined);
  if (value) return { kind: "other", text: value };
  const mark = reader.source[reader.at++];
  return mark === undefined ? undefined : { kind: "other", text: mark };
}

/** Reads a template's text up to its end or its next substitution; one without substitutions is a plain string. */
function readTemplate(reader: Reader, opening: Token): Token {
  const text = take(reader, TEMPLATE_TEXT) ?? "";
  if (text.endsWith("${")) return { kind: "other", text: "${" };
  return opening.text === "`" ? { kind: "string", text: text.slice(0, -1) } : { kind: "other", text: "`…`" };
}

function mayStartValue(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === "name") return WORDS_BEFORE_VALUE.has(previous.text);
  return previous.kind === "other" && !/[)\]}\w`]$/.test(previous.text);
}

function take(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  const text = pattern.exec(reader.source)?.[0];
  if (text === undefined || text === "") return undefined;
  reader.at += text.length;
  return text;
}
