/** Callers over TLS with HTTP/2: as many streams of one connection. */
import type { Bench } from "./bench.ts";
import type { Caller, CallersOptions } from "./caller.ts";
import { callParts, PROTOCOL_VERSION } from "./calls.ts";
import { initializeBody, INITIALIZED, type SessionId } from "./session.ts";

export async function openHttp2Callers(
  bench: Bench,
  url: URL,
  { count, shape }: CallersOptions,
): Promise<Caller[]> {
  if (typeof bench.tls === "string") throw new Error(bench.tls);
  const caCerts = [await Deno.readTextFile(bench.tls.ca)];
  // Without HTTP/1.1 to fall back on, what is measured is HTTP/2 for certain.
  const client = Deno.createHttpClient({ caCerts, http1: false, http2: true });
  const initialized = await post({ client, url, body: initializeBody(bench.ids.next()) });
  const session = initialized.headers.get("mcp-session-id") ?? undefined;
  await initialized.body?.cancel();
  const accepted = await post({ client, url, session, body: INITIALIZED });
  await accepted.body?.cancel();
  const parts = callParts(shape);
  const caller = {
    call: async (id: number) => (await post({ client, url, session, body: parts.join(`${id}`) })).text(),
    close: () => client.close(),
  };
  return [caller, ...Array.from({ length: count - 1 }, () => ({ ...caller, close: () => {} }))];
}

interface Post {
  readonly client: Deno.HttpClient;
  readonly url: URL;
  readonly body: string;
  readonly session?: SessionId;
}

async function post({ client, url, body, session }: Post): Promise<Response> {
  const headers = new Headers({
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": PROTOCOL_VERSION,
  });
  if (session !== undefined) headers.set("Mcp-Session-Id", session);
  const response = await fetch(url, { method: "POST", client, headers, body });
  if (response.ok) return response;
  throw new Error(`HTTP ${response.status}: ${(await response.text()).slice(0, 120)}`);
}
