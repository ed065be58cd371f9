/** Where the audit log goes. What it takes is loaded where there is one. */
import type { Recording } from "../app.ts";
import type { Sink } from "../core/events.ts";
import type { AuditSettings } from "../observe/audit/options.ts";

interface AuditOutputOptions {
  readonly version: string;
  /** Hears of the log itself until there is an app. */
  readonly emit: Sink;
}

interface OpenAudit extends Recording, AsyncDisposable {
  readonly hear: Sink;
  readonly attach: (emit: Sink) => void;
}

/** Undefined where nobody wants one. Throws ConfigError for a file that cannot be had. */
export async function openAuditTrail(
  { file, recordsArguments, maxBytes, keep }: AuditSettings,
  { version, emit }: AuditOutputOptions,
): Promise<OpenAudit | undefined> {
  if (file === undefined) return undefined;
  const { AuditTrail } = await import("../observe/audit/audit_trail.ts");
  const trail = await AuditTrail.open({ path: file, maxBytes, keep, version, emit });
  return {
    hear: trail.hear,
    refusal: trail.refusal,
    recordArguments: recordsArguments ? trail.hear : undefined,
    attach: (emit) => trail.attach(emit),
    [Symbol.asyncDispose]: () => trail[Symbol.asyncDispose](),
  };
}
