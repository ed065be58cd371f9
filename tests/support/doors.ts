/** How a client begins on each wire, so far that it is let in or refused. */
import { rawRequest, upgradeRequest } from "./raw_http.ts";
import { ACCEPT, initialize } from "./rpc.ts";

export interface DoorAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

interface DoorOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** In front of the path: the server, where there are several. */
  readonly prefix?: string;
  /** Behind the path, with its question mark. */
  readonly query?: string;
}

type Knock = (port: number, options?: DoorOptions) => Promise<DoorAnswer>;

/** By wire: 200 or 101 for who is let in. */
export const DOORS: ReadonlyMap<string, Knock> = new Map<string, Knock>([
  ["Streamable HTTP", (port, { headers = {}, prefix = "", query = "" } = {}) => {
    const json = { "Content-Type": "application/json", Accept: ACCEPT };
    const body = JSON.stringify(initialize(1));
    return knock(port, {
      method: "POST",
      path: `${prefix}/mcp${query}`,
      headers: { ...json, ...headers },
      body,
    });
  }],
  [
    "SSE",
    (port, { headers = {}, prefix = "", query = "" } = {}) =>
      knock(port, { path: `${prefix}/sse${query}`, headers: { Accept: "text/event-stream", ...headers } }),
  ],
  [
    "WebSocket",
    (port, { headers, prefix = "", query = "" } = {}) =>
      knock(port, upgradeRequest(`${prefix}/ws${query}`, headers)),
  ],
]);

async function knock(...request: Parameters<typeof rawRequest>): Promise<DoorAnswer> {
  using answer = await rawRequest(...request);
  const { status, headers, body } = answer;
  return { status, headers, body };
}
