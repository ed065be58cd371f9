/** What every HTTP route asks of a request before anything is started for it. */
import { RequestError } from "../core/errors.ts";
import { remembered } from "../base/remembered.ts";
import { quoted } from "../base/outside.ts";

/** The revisions that have an `initialize` handshake, newest first. */
export const SUPPORTED_VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;
/** What the SDKs of the first weeks spoke, and still agree on: not offered, and passed through where both ends do. */
const UNPUBLISHED = "2024-10-07";

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
  const version = request.headers.get("mcp-protocol-version");
  if (version === null || isServed(version)) return;
  const supported = SUPPORTED_VERSIONS.join(", ");
  throw new RequestError(
    `Bad Request: Unsupported protocol version: ${quoted(version)} (supported versions: ${supported})`,
  );
}

/** Whether a conversation of this revision can be carried. */
export function isServed(version: string): boolean {
  return version === UNPUBLISHED || SUPPORTED_VERSIONS.some((supported) => supported === version);
}

export function methodNotAllowed(allow: readonly string[]): RequestError {
  return new RequestError("Method not allowed", { status: 405, headers: { Allow: allow.join(", ") } });
}
