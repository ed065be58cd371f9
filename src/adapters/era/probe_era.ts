/**
 * Finds out which era a server speaks: `server/discover` is the first thing that it is asked, and what it makes of that
 * shows it (2026-07-28, "Backward Compatibility" of the pages "stdio", "Streamable HTTP" and "Versioning").
 */
import { InTurn } from "../../base/in_turn.ts";
import { within } from "../../base/waiting.ts";
import type { Channel, Envelope, Undelivered } from "../../core/channel.ts";
import { BackendError, BusyError, RpcCode } from "../../core/errors.ts";
import { isModernError } from "../../core/mcp/eras.ts";
import { Method } from "../../core/mcp/methods.ts";
import { MetaKey } from "../../core/mcp/request_meta.ts";
import { type Era, isModernRevision, NEWEST_MODERN } from "../../core/mcp/revisions.ts";
import {
  answersSole,
  isRequest,
  type JsonRpcErrorObject,
  type JsonRpcRequest,
  objectIn,
} from "../../core/message/jsonrpc.ts";
import { answerEarly } from "../early_requests.ts";

export interface ProbeEraOptions {
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** How long the server may take to answer; one that keeps silent is a legacy one. */
  readonly timeoutMs: number;
}

/** What came of it; "ended" is a server that was there no more before it had answered. */
export interface ProbedEra {
  readonly found: "modern" | "legacy" | "ended";
}

type Verdict = ProbedEra | { readonly found: "nothing"; readonly error: Error };

/** An integer, since some servers read no other id, which fits into 32 bits for the same reason. */
const PROBE_ID = 2 ** 31 - 1;

/**
 * Asks a channel that was opened just now, which is good for nothing else then. Throws BusyError or BackendError where the
 * question has not reached the server, which says nothing of its era.
 */
export async function probeEra(server: Channel, options: ProbeEraOptions): Promise<ProbedEra> {
  const asking = askedVerdict(server, question(options));
  if (!await within(options.timeoutMs, asking)) return { found: "legacy" };
  const verdict = await asking;
  if (verdict.found === "nothing") throw verdict.error;
  return verdict;
}

function question({ clientInfo }: ProbeEraOptions): JsonRpcRequest {
  const meta = {
    [MetaKey.revision]: NEWEST_MODERN,
    [MetaKey.client]: clientInfo,
    [MetaKey.capabilities]: {},
  };
  return { jsonrpc: "2.0", id: PROBE_ID, method: Method.discover, params: { _meta: meta } };
}

async function askedVerdict(server: Channel, message: JsonRpcRequest): Promise<Verdict> {
  try {
    // Read from the start on: whoever begins to read when a slow server has room would take the turn of another.
    const [, verdict] = await Promise.all([
      server.send({ message }),
      new InTurn(server.incoming).seek(look),
    ]);
    return verdict ?? { found: "ended" };
  } catch {
    // However it ended, it ended: some legacy servers do so at what they do not expect.
    return { found: "ended" };
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
  return { found: eraOf(objectIn(result).supportedVersions) };
}

/** Only errors that this era has brought are evidence for it: what legacy servers answer is not settled. */
function verdictOfError(error: JsonRpcErrorObject): Verdict {
  if (!isModernError(error)) return { found: "legacy" };
  // Of the revisions that it names none may be spoken here.
  return error.code === RpcCode.unsupportedRevision
    ? { found: eraOf(objectIn(error.data).supported) }
    : { found: "modern" };
}

/** Of a server that speaks these revisions: modern where one of them is spoken here, whatever else it speaks. */
function eraOf(revisions: unknown): Era {
  return Array.isArray(revisions) && revisions.some(isModernRevision) ? "modern" : "legacy";
}

function unreached(reason: string, { again, afterMs, why }: Undelivered): Error {
  if (why === "busy") return new BusyError(reason);
  return new BackendError(reason, { permanent: again === "never", retryAfterMs: afterMs });
}
