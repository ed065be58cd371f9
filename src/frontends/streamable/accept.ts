/** What a client says that it takes (`Accept`), held against what it may be answered with. */
import { RequestError } from "../../core/errors.ts";
import { remembered } from "../../base/remembered.ts";
import { EVENT_STREAM } from "../../wire/sse.ts";
import type { ReplyMode } from "./exchange.ts";

export const JSON_TYPE = "application/json";

/** What a POST may be answered with (transports page, "Sending Messages to the Server"). */
const ANSWER_TYPES: Readonly<Record<ReplyMode, readonly string[]>> = {
  auto: [JSON_TYPE, EVENT_STREAM],
  json: [JSON_TYPE],
  sse: [EVENT_STREAM],
};

/** `q=0`: not that one (RFC 9110, section 12.4.2). */
const NOT_WANTED = /^q=0(\.0*)?$/;

/**
 * Refuses, with 406, who does not take all of these types.
 *
 * The transports page has a client list both, but no page has a server refuse one that lists none: without the field
 * any type will do, and a server may disregard a field that it cannot satisfy (RFC 9110, section 12.5.1). So a client
 * that says nothing, or names a range that can only be meant for us, is taken at its word; one that names other types
 * alone would not understand the answer, and is told before anything is done.
 */
export function acceptCheck(types: readonly string[]): (request: Request) => void {
  const accepted = remembered((accept) => {
    const ranges = rangesIn(accept);
    return ranges.size === 0 || types.every((type) => accepts(ranges, type, types));
  });
  return (request) => {
    if (accepted(request.headers.get("accept") ?? "")) return;
    throw new RequestError(`Not Acceptable: send Accept: ${types.join(", ")} (or */*)`, { status: 406 });
  };
}

/** The same of a POST that is answered in this way. */
export function postAcceptCheck(mode: ReplyMode): (request: Request) => void {
  return acceptCheck(ANSWER_TYPES[mode]);
}

function accepts(ranges: ReadonlyMap<string, boolean>, type: string, types: readonly string[]): boolean {
  const [main] = type.split("/");
  // Who asks for any application type of an endpoint that answers in either form means both.
  const wide = types.includes(JSON_TYPE) ? ["application/*", "*/*"] : ["*/*"];
  const named = [type, `${main}/*`, ...wide].find((range) => ranges.has(range));
  return named !== undefined && ranges.get(named) === true;
}

/** The ranges that are named, and whether they are wanted. */
function rangesIn(accept: string): ReadonlyMap<string, boolean> {
  const ranges = new Map<string, boolean>();
  for (const member of accept.toLowerCase().split(",")) {
    const parts = member.split(";").map((part) => part.trim());
    const wanted = !parts.some((part) => NOT_WANTED.test(part));
    // Some put a semicolon between two types.
    for (const part of parts) if (part.includes("/")) ranges.set(part, wanted);
  }
  return ranges;
}
