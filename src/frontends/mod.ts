/** The table of wires that clients can be served on over the network. */
import { sseFrontend, type SseOptions } from "./sse.ts";
import { streamableFrontend, type StreamableOptions } from "./streamable/streamable.ts";
import { webSocketFrontend, type WebSocketOptions } from "./websocket.ts";

/** In the order in which they are announced. */
export const FRONTENDS = [streamableFrontend, sseFrontend, webSocketFrontend] as const;

/** What all of them together have to be told. */
export interface FrontendOptions extends StreamableOptions, SseOptions, WebSocketOptions {}

export type { Endpoint, Route } from "./frontend.ts";
