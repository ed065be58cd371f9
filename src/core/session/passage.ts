/**
 * The passage of one message through the policies to the other side, the same in both directions. A refusal goes back
 * to the sender, a dead wire ends the session.
 */
import type { Channel, Envelope } from "../channel.ts";
import { DisconnectedError, GatewayError, toRpcError } from "../errors.ts";
import type { Direction } from "../events.ts";
import { isDiscover } from "../mcp/eras.ts";
import { isHandshake } from "../mcp/messages.ts";
import { Method } from "../mcp/methods.ts";
import {
  isNotification,
  isRequest,
  isResponse,
  type JsonRpcMessage,
  type RequestId,
} from "../message/jsonrpc.ts";
import type { MessagePolicy } from "../policy.ts";
import type { Bridge } from "./bridge.ts";
import type { OpenTable } from "./open_table.ts";

/** A returned promise settles when the other side has room for more. Throws nothing, and never rejects. */
export function pass(
  bridge: Bridge,
  direction: Direction,
  envelope: Envelope,
): Promise<void> | void {
  const { policy } = bridge.options;
  try {
    const passed = policy
      ? byPolicy(bridge, { policy, direction, envelope })
      : handOver(bridge, direction, envelope);
    if (passed) return refusedOnFailure(bridge, briefOf(direction, envelope.message), passed);
  } catch (error) {
    refused(bridge, briefOf(direction, envelope.message), error);
  }
}

interface Guarded {
  readonly policy: MessagePolicy;
  readonly direction: Direction;
  readonly envelope: Envelope;
}

/** By itself, so that where there is no policy no closure is made for a message. */
function byPolicy(
  bridge: Bridge,
  { policy, direction, envelope }: Guarded,
): Promise<void> | void {
  const { peer, negotiated } = bridge.admitted;
  const { message } = envelope;
  const method = isResponse(message)
    ? tableOf(bridge, direction, true).get(message.id)?.method
    : message.method;
  return policy(
    { peer, negotiated, direction, envelope, method },
    () => handOver(bridge, direction, envelope),
  );
}

/** Keeps nothing of the message: it may be large, and the far side slow. */
function refusedOnFailure(bridge: Bridge, brief: Brief, passed: Promise<void>): Promise<void> {
  return passed.catch((error) => refused(bridge, brief, error));
}

/** A request stays open until its answer is handed over: while the policies think, time or the end may answer it. */
function handOver(
  bridge: Bridge,
  direction: Direction,
  envelope: Envelope,
): Promise<void> | void {
  const { message } = envelope;
  const receiver = receiverOf(bridge, direction);
  if (isNotification(message)) {
    if (direction === "up" && message.method === Method.callTool) bridge.tellUnansweredCall(envelope);
    return receiver?.send(envelope);
  }
  const table = tableOf(bridge, direction, isResponse(message));
  const request = table.get(message.id);
  if (!request) return bridge.drop(direction, "its request was answered meanwhile");
  const isAnswer = isResponse(message) && direction === "down";
  const agreed = isAnswer && isHandshake(request);
  if (agreed || (isAnswer && isDiscover(request))) bridge.options.greet?.(envelope);
  const sent = receiver?.send(envelope);
  // What was written anew has its text now.
  const size = envelope.text?.length;
  if (isResponse(message)) {
    request.answerSize = size;
    table.settle(message);
  } else request.requestSize = size;
  if (agreed) bridge.agree(message);
  return sent;
}

/** What a refusal needs to know of a message. */
interface Brief {
  readonly direction: Direction;
  readonly kind: "notification" | "request" | "response";
  readonly id: RequestId | null;
}

function briefOf(direction: Direction, message: JsonRpcMessage): Brief {
  if (isNotification(message)) return { direction, kind: "notification", id: null };
  return { direction, kind: isRequest(message) ? "request" : "response", id: message.id };
}

function refused(bridge: Bridge, { direction, kind, id }: Brief, error: unknown): void {
  if (error instanceof DisconnectedError) {
    return bridge.lose(receiverOf(bridge, direction), error);
  }
  if (!(error instanceof GatewayError)) bridge.fault("passing of a message", error);
  const answer = toRpcError(error);
  if (kind === "notification") return bridge.drop(direction, answer.message);
  // Of a refused answer, too, the asker hears: it still waits.
  const table = tableOf(bridge, direction, kind === "response");
  const isTold = error instanceof GatewayError && error.isTold;
  const why = { reason: answer.message, ...isTold && { isTold } };
  const taken = id !== null && table.take(id, "failed", why);
  if (taken) bridge.answer(askerIn(bridge, table), id, answer);
}

/** Undefined is a server that is not open. */
function receiverOf({ client, server }: Bridge, direction: Direction): Channel | undefined {
  return direction === "up" ? server : client;
}

/** Where the request stands that a message is, or answers. */
function tableOf(
  { fromClient, fromServer }: Bridge,
  direction: Direction,
  answers: boolean,
): OpenTable {
  return (direction === "up") === answers ? fromServer : fromClient;
}

function askerIn({ fromClient, client, server }: Bridge, table: OpenTable): Channel | undefined {
  return table === fromClient ? client : server;
}
