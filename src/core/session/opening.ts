/** The server of a session is opened with the first message of the client, which waits meanwhile. */
import { asText, type Channel, type Envelope, isLarge } from "../channel.ts";
import { asGatewayError, type Bridge } from "./bridge.ts";

/** From then on a large message that waits for its server is kept as text. */
const LONG_MS = 100;

/** Undefined where the session is over by then, of which a server that cannot be opened is a reason. */
export async function openServer(bridge: Bridge): Promise<Channel | undefined> {
  const { admitted, options, era, signal } = bridge;
  try {
    const server = await options.openServer(admitted, { era, signal });
    if (!bridge.over) return server;
    await server[Symbol.asyncDispose]();
  } catch (error) {
    bridge.finish({
      reason: "the server could not be started",
      error: asGatewayError(error, "The MCP server"),
    });
  }
  return undefined;
}

/** The first message of a session, until its server is open: mostly at once. */
export class FirstMessage {
  #envelope: Envelope;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(envelope: Envelope, size: number) {
    this.#envelope = envelope;
    if (isLarge(size)) this.#timer = setTimeout(() => this.#envelope = asText(envelope), LONG_MS);
  }

  release(): Envelope {
    clearTimeout(this.#timer);
    return this.#envelope;
  }
}
