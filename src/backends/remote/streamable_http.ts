/** The three requests of Streamable HTTP: POST says a message, GET asks for an event stream, DELETE ends the session. */
import { type Envelope, textOf } from "../../core/channel.ts";
import type { RemoteOptions } from "./remote.ts";
import type { RemoteSession } from "./remote_session.ts";
import { EVENT_STREAM } from "../../wire/sse.ts";
import { contentType, errorText, unexpectedResponse } from "./response.ts";

/** A goodbye must not hold up the end. */
const DELETE_TIMEOUT_MS = 2_000;

/** A message, and what is said of it in headers. */
interface Posted {
  readonly envelope: Envelope;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Settles with a 2xx answer. Throws RemoteError for every other. */
export async function post(
  { client, url }: RemoteOptions,
  { envelope, headers, signal }: Posted,
): Promise<Response> {
  const response = await client.request(url, {
    method: "POST",
    headers: {
      ...headers,
      "Content-Type": "application/json",
      Accept: `application/json, ${EVENT_STREAM}`,
    },
    body: textOf(envelope),
    signal,
  });
  if (response.ok) return response;
  throw unexpectedResponse(url, response, await errorText(response));
}

export class StreamableHttp {
  readonly #remote: RemoteOptions;
  readonly #session: RemoteSession;

  constructor(remote: RemoteOptions, session: RemoteSession) {
    this.#remote = remote;
    this.#session = session;
  }

  /** Settles with a 2xx answer. Throws RemoteError for every other. */
  post(envelope: Envelope, signal: AbortSignal): Promise<Response> {
    return post(this.#remote, { envelope, headers: this.#session.headers, signal });
  }

  /** Settles with an event stream, after the event of this id where one is given. Throws RemoteError for every other answer. */
  async get(cursor: string | undefined, signal: AbortSignal): Promise<Response> {
    const { client, url } = this.#remote;
    const response = await client.request(url, {
      method: "GET",
      headers: {
        ...this.#session.headers,
        Accept: EVENT_STREAM,
        ...(cursor === undefined ? {} : { "last-event-id": asHeader(cursor) }),
      },
      signal,
    });
    if (response.ok && contentType(response) === EVENT_STREAM) return response;
    throw unexpectedResponse(url, response, await errorText(response));
  }

  /** Tells the server that the session of these headers is over (transports page, "Session Management"). */
  async end(headers: Readonly<Record<string, string>>): Promise<void> {
    const { client, url } = this.#remote;
    const signal = AbortSignal.timeout(DELETE_TIMEOUT_MS);
    const response = await client.request(url, { method: "DELETE", headers, signal });
    await response.body?.cancel();
  }
}

/** UTF-8 in a header is given to `fetch` byte by byte (HTML, "server-sent events"). */
function asHeader(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
