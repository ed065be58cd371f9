/** The table of remote backends by wire. */
import type { Backend } from "../core/backend.ts";
import { detectBackend } from "./detect.ts";
import { sseBackend } from "./sse.ts";
import { streamableBackend } from "./streamable.ts";
import { webSocketBackend, type WebSocketBackendOptions } from "./websocket.ts";

export const REMOTE_BACKENDS: Readonly<
  Record<"streamableHttp" | "sse" | "ws" | "detect", (options: WebSocketBackendOptions) => Backend>
> = {
  streamableHttp: streamableBackend,
  sse: sseBackend,
  ws: webSocketBackend,
  detect: (options) => {
    const { emit } = options;
    return detectBackend({ streamable: streamableBackend(options), sse: sseBackend(options), emit });
  },
};
