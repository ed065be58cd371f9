/** Sessions as a client opens and ends them over Streamable HTTP. */
import type { Bench } from "./bench.ts";
import { idOf, MODERN_VERSION, PROTOCOL_VERSION, WrongAnswerError } from "./calls.ts";
import type { Gateway } from "./gateway.ts";
import type { Mode } from "./peers.ts";
import { type Answer, header, HttpConnection } from "./http_connection.ts";

const HAVE_SESSIONS: ReadonlySet<Mode> = new Set([
  "stateful",
  "shared",
  "prewarmed",
  "source",
  "guarded",
  "cors",
]);

/** Undefined where the gateway has none. */
export type SessionId = string | undefined;

export interface RequestParts {
  readonly method?: "POST" | "GET" | "DELETE";
  readonly url: URL;
  readonly session?: SessionId;
  readonly length: number;
  /** It is a call of 2026-07-28. */
  readonly modern?: true | undefined;
}

/** The head of a request, up to where its body starts. */
export function requestHead({ method = "POST", url, session, length, modern }: RequestParts): string {
  return [
    `${method} ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    "Content-Type: application/json",
    `Accept: ${method === "GET" ? "" : "application/json, "}text/event-stream`,
    `MCP-Protocol-Version: ${modern ? MODERN_VERSION : PROTOCOL_VERSION}`,
    ...(modern ? ["Mcp-Method: tools/call", "Mcp-Name: echo"] : []),
    ...(url.password === "" ? [] : [`Authorization: Bearer ${url.password}`]),
    ...(session === undefined ? [] : [`Mcp-Session-Id: ${session}`]),
    ...(method === "POST" ? [`Content-Length: ${length}`] : []),
    "\r\n",
  ].join("\r\n");
}

export function postOf(url: URL, session: SessionId, body: string): string {
  return requestHead({ url, session, length: body.length }) + body;
}

export const INITIALIZED = JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" });

export function initializeBody(id: number): string {
  const clientInfo = { name: "bench", version: "1.0.0" };
  const params = { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo };
  return JSON.stringify({ jsonrpc: "2.0", id, method: "initialize", params });
}

/** Opens so many sessions, one after the other. */
export async function openSessions(bench: Bench, { url }: Gateway, count: number): Promise<SessionId[]> {
  const connection = await HttpConnection.open(url);
  try {
    const sessions: SessionId[] = [];
    while (sessions.length < count) sessions.push(await openSession(connection, url, bench.ids.next()));
    return sessions;
  } finally {
    connection.close();
  }
}

/** Runs something in a session that is ended afterwards; where a wire has no such sessions, in none. */
export async function inSession<Result>(
  bench: Bench,
  gateway: Gateway,
  run: (sessions: readonly SessionId[]) => Promise<Result>,
): Promise<Result> {
  if (!HAVE_SESSIONS.has(gateway.mode)) return await run([undefined]);
  const sessions = await openSessions(bench, gateway, 1);
  const result = await run(sessions);
  const connection = await HttpConnection.open(gateway.url);
  try {
    for (const session of sessions) if (session) await endSession(connection, gateway.url, session);
  } finally {
    connection.close();
  }
  return result;
}

/** Throws where the gateway refuses, or answers something else. */
export async function openSession(connection: HttpConnection, url: URL, id: number): Promise<SessionId> {
  const session = await initialize(connection, url, id);
  const accepted = await connection.exchange(postOf(url, session, INITIALIZED));
  if (accepted.status >= 300) throw new Error(refusal(accepted));
  return session;
}

/** The first half of opening a session. */
export async function initialize(connection: HttpConnection, url: URL, id: number): Promise<SessionId> {
  const answer = await connection.exchange(postOf(url, undefined, initializeBody(id)));
  if (answer.status !== 200) throw new Error(refusal(answer));
  if (idOf(answer.body) !== id || !answer.body.includes('"serverInfo"')) {
    throw new WrongAnswerError(`initialize was answered by ${answer.body.slice(0, 200)}`);
  }
  return header(answer.head, "mcp-session-id");
}

export async function endSession(connection: HttpConnection, url: URL, session: SessionId): Promise<void> {
  const answer = await connection.exchange(requestHead({ method: "DELETE", url, session, length: 0 }));
  if (answer.status >= 300) throw new Error(refusal(answer));
}

/** Why a request was not answered as it should. */
export function refusal({ status, body }: Answer): string {
  return `HTTP ${status}: ${body.replaceAll(/\s+/g, " ").slice(0, 120)}`;
}
