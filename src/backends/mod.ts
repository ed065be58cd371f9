/** The table of remote backends by wire. */
import type { Backend } from "../core/backend.ts";
import { detectBackend } from "./remote/detect.ts";
import { sseBackend } from "./remote/sse.ts";
import { streamableBackend } from "./remote/streamable.ts";
import { webSocketBackend, type WebSocketBackendOptions } from "./remote/websocket.ts";

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
