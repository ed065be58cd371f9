/**
 * What a URI may be taken for: servers make a URL of it, which resolves `..` and the case of a scheme, and may decode its
 * escapes. So one resource can be asked for in many spellings, and a pattern that is held against one of them is got by.
 */

export interface UriReadings {
  /** As it is spelled, and what it is resolved to; each with escapes, without, and without a path where that is empty. */
  readonly resolved: readonly (readonly string[])[];
  /** What else some readers find in it: they leave out its fragment, or of a file all but the path. */
  readonly bare: readonly string[];
}

/** Nobody decodes more often than once or twice. */
const MAX_ROUNDS = 4;

export function readingsOf(uri: string): UriReadings {
  const spellings = new Set([uri]);
  const bare = new Set<string>();
  let text = uri;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const url = URL.parse(text);
    if (url) spellings.add(url.href);
    if (url) { for (const part of withoutRest(url)) bare.add(part); }
    const decoded = unescaped(url?.href ?? text);
    if (decoded === text) break;
    text = decoded;
  }
  return { resolved: [...spellings].map(equals), bare: [...bare] };
}

/** What is the same to everybody. */
function equals(spelling: string): string[] {
  const [, origin] = /^([^:]+:\/\/[^/?#]+)\/$/.exec(spelling) ?? [];
  return [spelling, unescaped(spelling), ...origin === undefined ? [] : [origin]];
}

function withoutRest({ protocol, pathname, href }: URL): string[] {
  const resource = href.replace(/#.*/s, "");
  if (protocol !== "file:") return [resource];
  const path = pathname.replace(/\/{2,}/g, "/");
  return [resource, `file://${path}`, `file://${unescaped(path)}`];
}

/** Each escape by itself where together they are no text. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return text.replace(/%([0-7][0-9a-f])/gi, (_, code) => String.fromCharCode(parseInt(code, 16)));
  }
}
