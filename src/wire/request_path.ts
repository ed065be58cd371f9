/** The path of a request, as routes are found by it and logs tell of it. */
import { remembered } from "../base/remembered.ts";

/** Few URLs come again and again. */
const routeFor = remembered((url) => withoutSlash(pathOf(url)));

/** As routes are named: without a slash at the end. */
export function routeOf({ url }: Request): string {
  return routeFor(url);
}

/**
 * The path as it was sent, which is what a proxy in front has held against its rules: no escape is resolved, no dot and
 * no second slash removed. The runtime leaves the request's target in the URL as it came.
 */
export function pathOf(url: string): string {
  const authority = url.indexOf("://") + 3;
  const start = url.slice(authority).search(/[/?]/) + authority;
  const end = url.indexOf("?", start);
  return url[start] === "/" ? url.slice(start, end < 0 ? url.length : end) : "/";
}

/** The last part of a path, and what stands before it, without the slash between them. */
export function lastPart(path: string): readonly [parent: string, part: string] {
  const slash = path.lastIndexOf("/");
  return [path.slice(0, slash), path.slice(slash + 1)];
}

/** A slash at the end changes nothing. */
export function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
