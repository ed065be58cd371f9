/** What every HTTP route asks of a request before anything is started for it. */
import { RequestError } from "../core/errors.ts";
import { remembered } from "../base/remembered.ts";
import { quoted } from "../base/outside.ts";
import { isServed, servedRevisions } from "../core/mcp/revisions.ts";

const isJson = remembered((type) => {
  const [media = ""] = type.split(";", 1);
  return media.trim().toLowerCase() === "application/json";
});

export function requireJson(request: Request): void {
  if (isJson(request.headers.get("content-type") ?? "")) return;
  throw new RequestError("Unsupported Media Type: Content-Type must be application/json", { status: 415 });
}

/** An absent header is fine: the negotiated revision counts then. */
export function requireVersion(request: Request): void {
  requireServed(versionOf(request));
}

/** The revision that a request names in its header; null where it names none. */
export function versionOf(request: Request): string | null {
  return request.headers.get("mcp-protocol-version");
}

export function requireServed(version: string | null): void {
  if (version === null || isServed(version)) return;
  throw new RequestError(
    `Bad Request: Unsupported protocol version: ${
      quoted(version)
    } (supported versions: ${servedRevisions()})`,
  );
}

export function methodNotAllowed(allow: readonly string[]): RequestError {
  return new RequestError("Method not allowed", { status: 405, headers: { Allow: allow.join(", ") } });
}
