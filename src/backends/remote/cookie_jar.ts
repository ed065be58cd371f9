/**
 * What a server sets as cookies on one connection to it, to be told to it again (RFC 6265): behind a balancer that is
 * how a session finds its machine.
 */
import { parseSetCookie } from "cookie";

/** RFC 6265, section 6.1, wants as much at least. */
const MAX_COOKIES = 50;
const MAX_COOKIE_CHARS = 4096;

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly secure: boolean;
  /** By `performance.now()`. */
  readonly expiresAt: number;
}

/** The cookies of one origin: to ask for the header of another one would send them there. */
export class CookieJar {
  /** Oldest first. */
  #cookies: readonly Cookie[] = [];

  hear(url: URL, { headers }: Response): void {
    for (const line of headers.getSetCookie()) this.#store(line, url);
  }

  /** What this request says besides, or in place of, the cookies that were configured; undefined is nothing. */
  headerFor(url: URL, configured: string | undefined): string | undefined {
    const meant = this.#cookies.filter((cookie) => isMeant(cookie, url));
    if (meant.length === 0) return configured;
    // The most specific first; of the same length, the oldest.
    meant.sort((a, b) => b.path.length - a.path.length);
    const names = new Set(meant.map(({ name }) => name));
    const others = (configured ?? "").split(";").map((pair) => pair.trim())
      .filter((pair) => pair !== "" && !names.has(pair.split("=", 1)[0]?.trim() ?? ""));
    return [...others, ...meant.map(({ name, value }) => `${name}=${value}`)].join("; ");
  }

  #store(line: string, url: URL): void {
    const { name, value = "", domain, path, secure = false, ...more } = parseSetCookie(line, {
      decode: asItIs,
    });
    if (name === "" || name.length + value.length > MAX_COOKIE_CHARS || !isOf(url.hostname, domain)) return;
    const cookie = {
      name,
      value,
      path: path?.startsWith("/") ? path : folderOf(url),
      secure,
      expiresAt: expiryOf(more),
    };
    const at = this.#cookies.findIndex((old) => old.name === name && old.path === cookie.path);
    const cookies = at < 0 ? [...this.#cookies, cookie] : this.#cookies.with(at, cookie);
    this.#cookies = cookies.filter(isAlive).slice(-MAX_COOKIES);
  }
}

interface Ages {
  readonly maxAge?: number | undefined;
  readonly expires?: Date | undefined;
}

function expiryOf({ maxAge, expires }: Ages): number {
  const dated = expires ? expires.getTime() - Date.now() : Infinity;
  return performance.now() + (maxAge === undefined ? dated : maxAge * 1000);
}

function isAlive({ expiresAt }: Cookie): boolean {
  return expiresAt > performance.now();
}

/** RFC 6265, section 5.4. */
function isMeant(cookie: Cookie, { protocol, pathname }: URL): boolean {
  const { path, secure } = cookie;
  const below = path.endsWith("/") ? path : `${path}/`;
  return isAlive(cookie) && (!secure || protocol === "https:") &&
    (pathname === path || pathname.startsWith(below));
}

/** A cookie may be for all hosts of a domain that its own is in (section 5.3, step 6). */
function isOf(host: string, domain = ""): boolean {
  const wide = domain.toLowerCase().replace(/^\./, "");
  return wide === "" || wide === host || (host.endsWith(`.${wide}`) && !/^[\d.]+$/.test(host));
}

/** Section 5.1.4. */
function folderOf({ pathname }: URL): string {
  return pathname.slice(0, pathname.lastIndexOf("/")) || "/";
}

/** What escapes mean is the server's business. */
function asItIs(text: string): string {
  return text;
}
