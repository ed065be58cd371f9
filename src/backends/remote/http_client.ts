/** The HTTP client of all remote backends: credentials, cookies, redirects, CAs, target check, clear errors. */
import type { NamedChanges } from "../../core/backend.ts";
import type { ByteStream } from "../../wire/byte_stream.ts";
import type { RequestSigner } from "../../wire/signing/request_signature.ts";
import { CookieJar } from "./cookie_jar.ts";
import { tlsFault } from "./tls_fault.ts";
import { connectionError, displayUrl, isUnread, RemoteError } from "./remote_error.ts";
import { KnownServers, type ServerTrust } from "./server_identity.ts";
import type { TargetCheck } from "./target.ts";
import { openWebSocket } from "./web_socket_client.ts";

/** Where credentials come from that are not simply configured; an OAuth client plugs in here. */
export interface CredentialProvider {
  /** Headers for the next request to this origin. */
  headers(url: URL): Promise<Readonly<Record<string, string>>>;
  /** Told of a 401 or 403; true when new credentials are there and the request may be tried once more. */
  refused(url: URL, response: Response): Promise<boolean>;
}

export interface HttpClientOptions {
  /** Sent to the configured server, and to no other origin. */
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials?: CredentialProvider | undefined;
  /** Says by further headers who sends a request; for the configured server, and for no other origin. */
  readonly sign?: RequestSigner | undefined;
  /** Asked once for each conversation, before anything is sent; without it any server will do. */
  readonly trust?: ServerTrust | undefined;
  /** PEM texts of certificate authorities to trust besides the built-in ones. */
  readonly caCerts: readonly string[];
  readonly checkTarget: TargetCheck;
  /** A connection that has been idle for so long is not used again; the runtime decides by default. */
  readonly idleMs?: number | undefined;
}

export interface RemoteRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

/** What one conversation tells its server in headers. */
interface ConversationHeaders {
  readonly headers: NamedChanges;
}

export interface HttpClient extends Disposable {
  /** Any status is an answer. Throws RemoteError when there is none, BackendError when the target is not allowed. */
  request(url: URL, request: RemoteRequest): Promise<Response>;
  /** Opens a WebSocket with the same credentials and CAs. Throws as `request`, and the reason of the signal. */
  socket(url: URL, protocol: string, signal: AbortSignal): Promise<ByteStream>;
  /**
   * The same for one conversation: cookies that the server sets there are told to it again, and its headers, which are read
   * anew for each request, stand for all others; none of it is told to another origin.
   */
  forConversation(conversation: ConversationHeaders): HttpClient;
}

const MAX_REDIRECTS = 5;
/** What may follow a redirect to another origin; everything else may be a credential. The last ones are in the body, too. */
const HARMLESS_HEADER = /^(?:accept|content-type|mcp-protocol-version|mcp-method|mcp-name|mcp-param-.*)$/i;

/** Of a redirect that is not followed: nobody took the request, and nobody will. */
const LOST_ON_THE_WAY = { delivered: false, permanent: true };

/**
 * Deno 2.9 forgets how to abort the reading of a body whose Response was collected as garbage: the connection would
 * stay open for ever. Here a Response lives as long as its body.
 */
const RESPONSES = new WeakMap<ReadableStream, Response>();

/** Proxies come from HTTPS_PROXY, HTTP_PROXY and NO_PROXY, which the runtime reads itself. */
export function httpClient(options: HttpClientOptions): HttpClient {
  const client = clientFor(options);
  return {
    ...requests(options, { client }),
    forConversation: (conversation) => conversationClient(options, { client, conversation }),
    [Symbol.dispose]() {
      client?.close();
    },
  };
}

/** Undefined is that of the runtime, which everybody shares. */
function clientFor({ caCerts, idleMs }: HttpClientOptions): Deno.HttpClient | undefined {
  if (caCerts.length === 0 && idleMs === undefined) return undefined;
  return Deno.createHttpClient({
    caCerts: [...caCerts],
    ...idleMs !== undefined && { poolIdleTimeout: idleMs },
  });
}

function conversationClient(options: HttpClientOptions, { client, conversation }: Means): HttpClient {
  return {
    ...requests(options, { client, conversation, jar: new CookieJar() }),
    forConversation: (other) => conversationClient(options, { client, conversation: other }),
    // The connections are everybody's.
    [Symbol.dispose]() {},
  };
}

interface Means {
  readonly client: Deno.HttpClient | undefined;
  readonly conversation?: ConversationHeaders | undefined;
  readonly jar?: CookieJar;
}

function requests(
  options: HttpClientOptions,
  { client, conversation = { headers: {} }, jar }: Means,
): Pick<HttpClient, "request" | "socket"> {
  const servers = new KnownServers(options.trust, ask);

  async function ask(url: URL, signal: AbortSignal): Promise<Response> {
    await options.checkTarget(url);
    try {
      return await fetch(url, { redirect: "manual", signal, ...client && { client } });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw await tlsFault(url, error, signal) ?? connectionError(url, error);
    }
  }

  async function ownHeaders(url: URL, more: Readonly<Record<string, string>> = {}) {
    const provided = await options.credentials?.headers(url) ?? {};
    const headers = merged(options.headers, provided, conversation.headers, more);
    const cookie = jar?.headerFor(url, headers.cookie);
    return cookie === undefined ? headers : { ...headers, cookie };
  }

  async function send(url: URL, request: RemoteRequest, home: string): Promise<Response> {
    await options.checkTarget(url);
    const isHome = url.origin === home;
    const headers = isHome ? await ownHeaders(url, request.headers) : harmless(request.headers);
    for (let again = true;; again = false) {
      // Each try is signed anew: the server may have seen the one before.
      const proof = isHome ? await options.sign?.({ ...request, url }) : undefined;
      try {
        const response = await fetch(url, {
          method: request.method,
          headers: proof ? { ...headers, ...proof } : headers,
          redirect: "manual",
          signal: request.signal,
          // A Blob, because `fetch` sends a text once more by itself when a connection of its pool breaks: denoland/deno#35610.
          ...(request.body === undefined ? {} : { body: new Blob([request.body]) }),
          ...(client ? { client } : {}),
        });
        if (response.body) RESPONSES.set(response.body, response);
        if (isHome) jar?.hear(url, response);
        return response;
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason;
        // Mostly that connection is at its end, and the next one is not.
        if (again && isUnread(error)) continue;
        throw await tlsFault(url, error, request.signal) ??
          connectionError(url, error, { posted: request.method === "POST" });
      }
    }
  }

  async function follow(url: URL, request: RemoteRequest): Promise<Response> {
    let target = url;
    for (let redirects = 0;; redirects++) {
      const response = await send(target, request, url.origin);
      if (!isRedirect(response)) return response;
      await response.body?.cancel();
      const { status: remoteStatus } = response;
      if (redirects < MAX_REDIRECTS) target = redirectTarget(response, request.method, target);
      else {
        const why = `${displayUrl(url)} redirects more than ${MAX_REDIRECTS} times`;
        throw new RemoteError(why, { ...LOST_ON_THE_WAY, remoteStatus });
      }
    }
  }

  return {
    async request(url, request) {
      await servers.require(url, request.signal);
      const response = await follow(url, request);
      if (response.status !== 401 && response.status !== 403) return response;
      if (!await options.credentials?.refused(url, response)) return response;
      await response.body?.cancel();
      return await follow(url, request);
    },
    async socket(url, protocol, signal) {
      await servers.require(url, signal);
      await options.checkTarget(url);
      const headers = { ...await ownHeaders(url), ...await options.sign?.({ method: "GET", url }) };
      return await openWebSocket(url, { protocol, headers, caCerts: options.caCerts, signal });
    },
  };
}

function isRedirect({ status, headers }: Response): boolean {
  return [301, 302, 303, 307, 308].includes(status) && headers.has("location");
}

/** Where a redirect leads. One that is not to be trusted, or would change the method, is an error. */
export function redirectTarget(
  { status, headers }: Response,
  method: RemoteRequest["method"],
  from: URL,
): URL {
  const target = URL.parse(headers.get("location") ?? "", from);
  const lost = { ...LOST_ON_THE_WAY, remoteStatus: status };
  if (!target || !/^https?:$/.test(target.protocol)) {
    throw new RemoteError(`${displayUrl(from)} redirects to something that is no HTTP URL`, lost);
  }
  if (from.protocol === "https:" && target.protocol === "http:") {
    throw new RemoteError(`${displayUrl(from)} redirects to plain HTTP, which is not followed`, lost);
  }
  if (method === "GET" || status === 307 || status === 308) return target;
  throw new RemoteError(
    `${displayUrl(from)} redirects with HTTP ${status}, which would lose the message: use ${
      displayUrl(target)
    } directly`,
    lost,
  );
}

/** Header names have no case; the later ones win, and null takes one away. */
function merged(...sets: NamedChanges[]): Record<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of sets.flatMap((set) => Object.entries(set))) {
    if (value === null) all.delete(name.toLowerCase());
    else all.set(name.toLowerCase(), value);
  }
  return Object.fromEntries(all);
}

function harmless(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => HARMLESS_HEADER.test(name)),
  );
}
