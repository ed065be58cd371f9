/** From server to client: which request of the client each message belongs to (rule 4 in docs/architecture.md). */
import type { Failure } from "../../base/readable.ts";
import type { Channel, Envelope } from "../channel.ts";
import { BackendError, toRpcError } from "../errors.ts";
import { cancelledId, reportedToken } from "../mcp/messages.ts";
import {
  errorOf,
  isRequest,
  isResponse,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type ProgressToken,
  type RequestId,
} from "../message/jsonrpc.ts";
import { asGatewayError, type Bridge } from "./bridge.ts";
import type { OpenRequest } from "./open_request.ts";
import { unansweredBy } from "./open_table.ts";
import { pass } from "./passage.ts";

/** Reads the server to its end. By itself, so that what is called for as long as a session lives keeps no message alive. */
export function listenTo(bridge: Bridge, server: Channel): void {
  bridge.read(
    server,
    (envelope) => hear(bridge, envelope),
    (failure) => serverOver(bridge, failure),
  );
}

function serverOver(bridge: Bridge, failure: Failure | undefined): void {
  if (bridge.over) return;
  const reason = failure ? "the server broke off" : "the server is done";
  const error = failure
    ? asGatewayError(failure.error, "The MCP server")
    : new BackendError("The MCP server closed the connection");
  bridge.finish({ reason, error });
}

function hear(bridge: Bridge, envelope: Envelope): Promise<void> | void {
  const { message } = envelope;
  if (isResponse(message)) return hearAnswer(bridge, envelope, message);
  if (isRequest(message)) return hearRequest(bridge, envelope, message);
  envelope.relatesTo = relationOf(bridge, envelope, message);
  return pass(bridge, "down", envelope);
}

function hearAnswer(
  bridge: Bridge,
  envelope: Envelope,
  message: JsonRpcResponse,
): Promise<void> | void {
  const { fromClient } = bridge;
  const request = fromClient.get(message.id);
  if (!request) return bridge.drop("down", unansweredBy(message, fromClient.size));
  envelope.relatesTo = request.id;
  return pass(bridge, "down", envelope);
}

function hearRequest(
  bridge: Bridge,
  envelope: Envelope,
  message: JsonRpcRequest,
): Promise<void> | void {
  const { fromServer, server } = bridge;
  const refusal = fromServer.refusal(message);
  if (refusal) return server?.send({ message: errorOf(message.id, toRpcError(refusal)) });
  envelope.relatesTo = callOf(bridge, envelope);
  fromServer.add(message, envelope.relatesTo);
  return pass(bridge, "down", envelope);
}

function relationOf(
  bridge: Bridge,
  envelope: Envelope,
  message: JsonRpcNotification,
): RequestId | undefined {
  const token = reportedToken(message);
  if (token !== undefined) return ownerOf(bridge, token)?.id;
  const cancelled = cancelledId(message);
  if (cancelled !== undefined) return bridge.fromServer.take(cancelled, "cancelled")?.relatesTo;
  return callOf(bridge, envelope);
}

/** As the server's side knows it, or the sole one that it can be; what belongs to a call that is over has none. */
function callOf({ fromClient }: Bridge, { relatesTo }: Envelope): RequestId | undefined {
  const call = relatesTo === undefined ? fromClient.sole() : fromClient.get(relatesTo);
  return call?.id;
}

/** Progress gives a request its time anew. */
function ownerOf({ fromClient }: Bridge, token: ProgressToken): OpenRequest | undefined {
  const owner = fromClient.ownerOf(token);
  if (owner) fromClient.renew(owner);
  return owner;
}
