/** Callers over one WebSocket. */
import type { Bench } from "./bench.ts";
import { type Caller, type CallersOptions, Mailbox } from "./caller.ts";
import { callParts } from "./calls.ts";
import { initializeBody, INITIALIZED } from "./session.ts";
import { WebSocketConnection } from "./websocket_connection.ts";

export async function openWebSocketCallers(
  bench: Bench,
  url: URL,
  { count, shape }: CallersOptions,
): Promise<Caller[]> {
  const socket = await WebSocketConnection.open(url);
  const mailbox = new Mailbox();
  mailbox.deliverAll(socket.messages());
  const ask = async (id: number, text: string) =>
    (await Promise.all([mailbox.expect(id), socket.send(text)]))[0];
  const id = bench.ids.next();
  await ask(id, initializeBody(id));
  await socket.send(INITIALIZED);
  const parts = callParts(shape);
  const caller = { call: (id: number) => ask(id, parts.join(`${id}`)), close: () => socket.close() };
  return Array.from({ length: count }, () => caller);
}
