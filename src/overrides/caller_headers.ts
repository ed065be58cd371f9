/** What callers bring in headers for the servers that answer them: read once for all wires. */
import type { LaunchSettings, NamedChanges } from "../core/backend.ts";
import { RequestError } from "../core/errors.ts";
import type { Caller } from "../core/caller.ts";
import type { Route } from "../frontends/mod.ts";
import type { CallerSettings, HeaderMapping } from "./options.ts";

/** Most servers take no longer head, so no token that is of use anywhere is longer. */
const MAX_VALUE_CHARS = 8 * 1024;
/** What a header carries in any encoding, and a variable on any system. */
const PLAIN = /^[\x20-\x7e]*$/;

type LaunchOf = (headers: Headers) => LaunchSettings | undefined;

/** The same routes, to which each caller brings what the options name; where they name nothing, the very same. */
export function withCallerHeaders(routes: readonly Route[], settings: CallerSettings): readonly Route[] {
  const launchOf = callerLaunch(settings);
  return launchOf ? routes.map((route) => bringing(route, launchOf)) : routes;
}

function bringing(route: Route, launchOf: LaunchOf): Route {
  const bring = (request: Request, caller: Caller) => caller.bring(launchOf(request.headers));
  if ("http" in route) {
    return {
      ...route,
      http(request, caller) {
        bring(request, caller);
        return route.http(request, caller);
      },
    };
  }
  return {
    ...route,
    async upgrade(request, caller) {
      bring(request, caller);
      return await route.upgrade(request, caller);
    },
  };
}

/** Undefined where nothing is mapped; it gives nothing for who brings nothing. It throws RequestError for a value that is refused. */
export function callerLaunch({ headerToEnv, headerToHeader }: CallerSettings): LaunchOf | undefined {
  if (headerToEnv.length === 0 && headerToHeader.length === 0) return undefined;
  const lower = headerToHeader.map(({ header, target }) => ({ header, target: target.toLowerCase() }));
  return (given) => {
    const env = valuesOf(headerToEnv, given);
    const headers = valuesOf(lower, given);
    return env || headers ? { args: [], env: env ?? {}, headers: headers ?? {} } : undefined;
  };
}

function valuesOf(mappings: readonly HeaderMapping[], given: Headers): NamedChanges | undefined {
  const values = mappings.flatMap(({ header, target }): [string, string][] => {
    const value = given.get(header);
    return value === null ? [] : [[target, checked(header, value)]];
  });
  return values.length > 0 ? Object.fromEntries(values) : undefined;
}

/** The refusal names the header alone, since the value is a secret mostly. */
function checked(header: string, value: string): string {
  if (value.length > MAX_VALUE_CHARS) {
    throw new RequestError(`Bad Request: header ${header} is longer than ${MAX_VALUE_CHARS} characters`);
  }
  if (!PLAIN.test(value)) {
    throw new RequestError(`Bad Request: header ${header} has a character that is not printable ASCII`);
  }
  return value;
}
