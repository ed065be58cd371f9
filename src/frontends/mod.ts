/** The table of wires that clients can be served on over the network. */
import { sseFrontend, type SseFrontendOptions } from "./sse.ts";
import { streamableFrontend, type StreamableFrontendOptions } from "./streamable/streamable.ts";
import { webSocketFrontend, type WebSocketFrontendOptions } from "./websocket.ts";

/** In the order in which they are announced. */
export const FRONTENDS = [streamableFrontend, sseFrontend, webSocketFrontend] as const;

/** What all of them together have to be told. */
export interface FrontendOptions
  extends StreamableFrontendOptions, SseFrontendOptions, WebSocketFrontendOptions {}

export type { Endpoint, Route } from "./frontend.ts";
