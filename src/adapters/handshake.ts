/** Plays `initialize` at a server, so that it can serve clients who bring no handshake of their own. */
import type { Channel, Envelope, Undelivered } from "../core/channel.ts";
import { durationText } from "../base/duration.ts";
import { InTurn } from "../base/in_turn.ts";
import type { Readable } from "../base/readable.ts";
import { BackendError, BusyError, TimeoutError } from "../core/errors.ts";
import { initialized, revisionIn } from "../core/mcp/messages.ts";
import { Method } from "../core/mcp/methods.ts";
import { isServed, servedRevisions } from "../core/mcp/revisions.ts";
import {
  answersSole,
  isObject,
  isRequest,
  type JsonRpcResult,
  type Params,
  type RequestId,
} from "../core/message/jsonrpc.ts";
import { inTime } from "../base/waiting.ts";
import { quoted } from "../base/outside.ts";
import { excerpt } from "../base/telling.ts";
import { optionName } from "../base/option_name.ts";
import { answerEarly } from "./early_requests.ts";

export interface HandshakeOptions {
  /** The revision that is offered to the server. */
  readonly protocolVersion: string;
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** What is declared for the clients behind it; nothing by default, since nobody may be there to be asked. */
  readonly capabilities?: Params;
  /** How long the server may take to answer. */
  readonly timeoutMs: number;
}

/** What the server said of itself. */
interface Initialized {
  readonly result: Params;
  /** The answer to `initialize`, as it came. */
  readonly answer: ResultEnvelope;
  /** What the server says after that. */
  readonly incoming: Readable<Envelope>;
}

export interface ResultEnvelope extends Envelope {
  message: JsonRpcResult;
}

/** An integer, since some servers read no other id, and one that nobody uses who counts from 1. */
const HANDSHAKE_ID: RequestId = 0;

/** Throws BackendError when the server refuses or breaks off, TimeoutError when it keeps silent. */
export async function handshake(server: Channel, options: HandshakeOptions): Promise<Initialized> {
  const { protocolVersion, clientInfo, capabilities = {}, timeoutMs } = options;
  const incoming = new InTurn(server.incoming);
  const params = { protocolVersion, capabilities, clientInfo };
  await server.send({ message: { jsonrpc: "2.0", id: HANDSHAKE_ID, method: Method.initialize, params } });
  const late = new TimeoutError(
    `The MCP server did not answer initialize within ${durationText(timeoutMs)} (${
      optionName("startTimeout")
    })`,
  );
  const answer = await inTime(timeoutMs, initializeAnswer(server, incoming), late);
  await server.send({ message: initialized() });
  return { ...answer, incoming };
}

async function initializeAnswer(
  server: Channel,
  incoming: InTurn<Envelope>,
): Promise<Omit<Initialized, "incoming">> {
  const answer = await incoming.seek(async (envelope) => {
    if (isRequest(envelope.message)) await answerEarly(server, envelope.message);
    return answerIn(envelope, HANDSHAKE_ID);
  });
  if (!answer) throw new BackendError("The MCP server closed the connection during initialize");
  return answer;
}

/** Notifications may come before the answer; they have no receiver yet. */
function answerIn(
  { message, text, undelivered }: Envelope,
  id: RequestId,
): Omit<Initialized, "incoming"> | undefined {
  if (!answersSole(message, id)) return undefined;
  if ("error" in message) throw failure(message.error.message, undelivered);
  const { result } = message;
  if (isObject(result)) {
    requireServed(result);
    return { result, answer: { message, text } };
  }
  throw new BackendError("The MCP server answered initialize with something that is not an object");
}

/**
 * The server may answer with any revision (lifecycle page, "Version Negotiation"); not each can be served to clients. One that
 * names none is left alone.
 */
function requireServed(result: Params): void {
  const revision = revisionIn(result);
  if (revision === undefined || (typeof revision === "string" && isServed(revision))) return;
  throw new BackendError(
    `The MCP server answered initialize with protocol version ${quoted(revision)}, ` +
      `which is not served here (supported versions: ${servedRevisions()})`,
  );
}

const REASON_CHARS = 500;

/** What never reached the server was refused by something else, which says so itself. */
function failure(reason: string, undelivered: Undelivered | undefined): Error {
  if (undelivered?.why === "busy") return new BusyError(reason);
  return new BackendError(
    undelivered ? reason : `The MCP server refused initialize: ${excerpt(reason, REASON_CHARS)}`,
  );
}
