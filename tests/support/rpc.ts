/** Plain HTTP at the MCP endpoint, for what an SDK client would not send or would not show. */
import { EventSourceParserStream } from "eventsource-parser/stream";

export const ACCEPT = "application/json, text/event-stream";

export interface PostOptions {
  session?: string | undefined;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** POSTs a message, or text as it is. */
export function post(url: string, body: unknown, options: PostOptions = {}): Promise<Response> {
  const { session, headers, signal } = options;
  return fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: ACCEPT,
      ...(session === undefined ? {} : { "Mcp-Session-Id": session }),
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

export function request(id: unknown, method: string, params?: unknown) {
  return { jsonrpc: "2.0", id, method, ...(params === undefined ? {} : { params }) };
}

export function callTool(id: unknown, name: string, args: unknown = {}, meta?: unknown) {
  return request(id, "tools/call", {
    name,
    arguments: args,
    ...(meta === undefined ? {} : { _meta: meta }),
  });
}

export function initialize(id: unknown = 0, protocolVersion = "2025-11-25", capabilities: unknown = {}) {
  const clientInfo = { name: "test", version: "1.0.0" };
  return request(id, "initialize", { protocolVersion, capabilities, clientInfo });
}

/** The handshake of a stateful session; gives its id. */
export async function beginSession(
  url: string,
  capabilities: unknown = {},
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await post(url, initialize(0, "2025-11-25", capabilities), { headers });
  const text = await response.text();
  const session = response.headers.get("mcp-session-id");
  if (!session) throw new Error(`No session: ${response.status} ${text}`);
  await (await post(url, { jsonrpc: "2.0", method: "notifications/initialized" }, { session, headers })).body
    ?.cancel();
  return session;
}

// deno-lint-ignore no-explicit-any -- answers are looked into by tests, field by field
export type AnyMessage = any;

/** The messages of an answer, JSON or SSE, as they come. */
export async function* messagesOf(response: Response): AsyncGenerator<AnyMessage> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    const value = parsed(response, await response.text());
    yield* Array.isArray(value) ? value : [value];
    return;
  }
  const events = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(
    new EventSourceParserStream(),
  );
  for await (const { event, data } of events) {
    // An event without data only says from where the stream can be resumed.
    if (data !== "" && (event === undefined || event === "message")) yield JSON.parse(data);
  }
}

/** What came in place of JSON says more than where it ends. */
function parsed({ status, headers }: Response, text: string): AnyMessage {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const told = JSON.stringify({ status, headers: [...headers], text: text.slice(0, 1_000) });
    throw new Error(`Expected JSON: ${told}`, { cause });
  }
}

/** All messages of an answer, once it is complete. */
export function allMessages(response: Response): Promise<AnyMessage[]> {
  return Array.fromAsync(messagesOf(response));
}

/** The one message of an answer. */
export async function answer(response: Response): Promise<AnyMessage> {
  return (await allMessages(response)).at(-1);
}
