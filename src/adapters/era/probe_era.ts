/**
 * Finds out which era a server speaks: `server/discover` is the first thing that it is asked, and what it makes of that
 * shows it (2026-07-28, "Backward Compatibility" of the pages "stdio", "Streamable HTTP" and "Versioning").
 */
import { InTurn } from "../../base/in_turn.ts";
import type { Readable } from "../../base/readable.ts";
import { within } from "../../base/waiting.ts";
import type { Channel, Envelope, Undelivered } from "../../core/channel.ts";
import { BackendError, BusyError, RpcCode } from "../../core/errors.ts";
import { Method } from "../../core/mcp/methods.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";
import { isModernRevision, NEWEST_MODERN, REVISIONS } from "../../core/mcp/revisions.ts";
import {
  answersSole,
  isObject,
  isRequest,
  type JsonRpcErrorObject,
  type JsonRpcRequest,
  type Params,
} from "../../core/message/jsonrpc.ts";
import { answerEarly } from "../early_requests.ts";

export interface ProbeEraOptions {
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** How long the server may take to answer; one that keeps silent is a legacy one. */
  readonly timeoutMs: number;
}

/** What came of it. `incoming` is what the server says after its answer: the conversation goes on in the era that was found. */
export type ProbedEra =
  | {
    /** "dual" where it has said that it speaks the other era as well. */
    readonly found: "modern" | "dual";
    readonly incoming: Readable<Envelope>;
    /** The result of `server/discover`; undefined where it has shown by an error that it is modern. */
    readonly discovered?: Params;
  }
  | { readonly found: "legacy"; readonly incoming: Readable<Envelope> }
  /** It was there no more before it had answered: some legacy servers end at what they do not expect. */
  | { readonly found: "ended"; readonly reason: unknown };

type Verdict =
  | { readonly found: "modern" | "dual"; readonly discovered?: Params }
  | { readonly found: "legacy" }
  | { readonly found: "nothing"; readonly error: Error };

/**
 * An integer, since some servers read no other id, which fits into 32 bits for the same reason. Not that of a handshake: a
 * server that answers too late must not seem to answer that.
 */
const PROBE_ID = 2 ** 31 - 1;

/**
 * Asks a channel that was opened just now. Throws BusyError or BackendError where the question has not reached the server,
 * which says nothing of its era.
 */
export async function probeEra(server: Channel, options: ProbeEraOptions): Promise<ProbedEra> {
  const incoming = new InTurn(server.incoming);
  const asking = askedVerdict(server, incoming, question(options));
  if (!await within(options.timeoutMs, asking)) return { found: "legacy", incoming };
  const verdict = await asking;
  if (verdict.found === "nothing") throw verdict.error;
  return verdict.found === "ended" ? verdict : { ...verdict, incoming };
}

function question({ clientInfo }: ProbeEraOptions): JsonRpcRequest {
  const meta = {
    [MetaKey.revision]: NEWEST_MODERN,
    [MetaKey.client]: clientInfo,
    [MetaKey.capabilities]: {},
  };
  return { jsonrpc: "2.0", id: PROBE_ID, method: Method.discover, params: { _meta: meta } };
}

async function askedVerdict(
  server: Channel,
  incoming: InTurn<Envelope>,
  message: JsonRpcRequest,
): Promise<Verdict | { readonly found: "ended"; readonly reason: unknown }> {
  try {
    // Read from the start on: whoever begins to read when a slow server has room would take the turn of another.
    const [, verdict] = await Promise.all([server.send({ message }), incoming.seek(look)]);
    return verdict ?? { found: "ended", reason: new BackendError("The MCP server closed the connection") };
  } catch (reason) {
    return { found: "ended", reason };
  }

  async function look(envelope: Envelope): Promise<Verdict | undefined> {
    if (isRequest(envelope.message)) await answerEarly(server, envelope.message);
    return verdictIn(envelope);
  }
}

/** Undefined for what is no answer: nobody is there yet who could be told it. */
function verdictIn({ message, undelivered }: Envelope): Verdict | undefined {
  if (!answersSole(message, PROBE_ID)) return undefined;
  if ("result" in message) return verdictOfResult(message.result);
  const { error } = message;
  if (!undelivered) return verdictOfError(error);
  // What answers may speak another transport, which is one of the legacy era.
  return undelivered.why === "foreign"
    ? { found: "legacy" }
    : { found: "nothing", error: unreached(error.message, undelivered) };
}

/** Some legacy servers have a result for whatever they are asked. */
function verdictOfResult(result: unknown): Verdict {
  if (!isObject(result)) return { found: "legacy" };
  const found = eraOf(result.supportedVersions);
  return found === "legacy" ? { found } : { found, discovered: result };
}

/** Only errors that this era has brought are evidence for it: what legacy servers answer is not settled. */
function verdictOfError({ code, data }: JsonRpcErrorObject): Verdict {
  switch (code) {
    case RpcCode.headerMismatch:
    case RpcCode.missingCapability:
      return { found: "modern" };
    case RpcCode.unsupportedRevision:
      return { found: eraOf(isObject(data) ? data.supported : undefined) };
    default:
      return { found: "legacy" };
  }
}

/** Of a server that speaks these revisions, as far as they are spoken here. */
function eraOf(revisions: unknown): "modern" | "dual" | "legacy" {
  if (!Array.isArray(revisions) || !revisions.some(isModernRevision)) return "legacy";
  return REVISIONS.some((revision) => revisions.includes(revision)) ? "dual" : "modern";
}

function unreached(reason: string, { again, afterMs, why }: Undelivered): Error {
  if (why === "busy") return new BusyError(reason);
  return new BackendError(reason, { permanent: again === "never", retryAfterMs: afterMs });
}
