/** What clients of the network meet: one socket, the policies in front of it, and behind it the routes of all servers. */
import type { Authenticator } from "./auth/authenticator.ts";
import { Tickets } from "./auth/tickets.ts";
import { ReleaseWatch } from "./base/release_watch.ts";
import type { ProcessConfig } from "./config/mod.ts";
import type { GatewayError } from "./core/errors.ts";
import { background, type Sink } from "./core/events.ts";
import { Unread } from "./core/unread.ts";
import { BodyShares } from "./frontends/body_shares.ts";
import { Forwarded } from "./frontends/forwarded.ts";
import { httpPolicies, type LastingPolicies, lastingPolicies } from "./http_policies.ts";
import { listenForRedirects } from "./http_redirect.ts";
import { httpService } from "./http_service.ts";
import { identityRoutes } from "./identity_routes.ts";
import { connectionsFor, tooManyFor } from "./listener/descriptors.ts";
import type { Listener } from "./listener/listener.ts";
import type { ConnectionLimits } from "./listener/places.ts";
import { isWildcard, reachableHost } from "./listener/reachable_host.ts";
import type { Service } from "./listener/service.ts";
import type { Endpoint } from "./mounts.ts";
import { RepeatedAttempts } from "./observe/repeated_attempts.ts";
import { publicUrls } from "./public_urls.ts";
import { publicBase, ServedRoutes, type Servers } from "./served_routes.ts";
import type { ServedServer } from "./served_server.ts";
import { ServedTls } from "./served_tls.ts";
import { close, listen, renewTls } from "./server.ts";
import type { TlsSource } from "./tls_source.ts";
import { collectGarbage } from "./wire/collect_garbage.ts";
import { IpNetworks } from "./wire/ip_networks.ts";

/** Of what may wait unread: enough for those who read at once, and little beside what is counted piece by piece. */
const WHOLE_SHARE = 1 / 8;

interface NetworkOptions {
  readonly version: string;
  /** Empty where anybody may call. */
  readonly authenticators: readonly Authenticator[];
  /** Undefined where nothing is encrypted. */
  readonly tls: TlsSource | undefined;
  readonly audit: { readonly refusal: () => GatewayError | undefined } | undefined;
  readonly emit: Sink;
}

export class Network {
  readonly listener: Listener;
  /** The certificate that is served. */
  readonly tls: ServedTls | undefined;
  readonly #redirects: Listener | undefined;
  readonly #options: NetworkOptions;
  /** Those of the start: what clients are told of the address does not change with a configuration. */
  readonly #process: ProcessConfig;
  readonly #bodies: BodyShares;
  readonly #unread: Unread;
  readonly #routes: ServedRoutes;
  readonly #policies: LastingPolicies;
  readonly #attempts: RepeatedAttempts;
  #origins: ProcessConfig["origins"];
  #service!: Service;

  /** Throws ConfigError for an address that cannot be bound and for TLS that cannot be offered. */
  constructor(process: ProcessConfig, servers: Servers, options: NetworkOptions) {
    const { listen: { host, port, maxHeaderBytes }, tls: { httpRedirectPort }, bodies, unread } = process;
    const { emit } = options;
    this.#options = options;
    this.#process = process;
    this.#bodies = new BodyShares({ ...bodies, watch: releaseWatch() });
    this.#unread = new Unread({ ...unread, emit, watch: releaseWatch() });
    const proxies = new IpNetworks(process.clients.trustProxy);
    const forwarded = new Forwarded(proxies);
    const publicUrl = publicUrls({
      ...{ baseUrl: process.clients.baseUrl, forwarded, host },
      allowedHosts: process.origins.allowedHosts,
      port: () => this.listener.addr.port,
    });
    // For browsers, which set no headers where they open a stream or a socket.
    const tickets = new Tickets();
    this.#routes = new ServedRoutes({
      ...{ ...options, process, tickets, forwarded, bodies: this.#bodies, unread: this.#unread },
      identity: identityRoutes(process, publicUrl),
      base: () => this.#base,
      tlsReport: () => this.tls?.report,
    });
    const attempts = this.#attempts = new RepeatedAttempts((attempt, count) => {
      if (attempt.type === "auth.accepted") emit({ ...attempt, count });
    });
    this.#policies = lastingPolicies({
      ...{ ...options, tickets, publicUrl, process, proxies },
      resources: () => this.#routes.resources,
      // A client brings its key with each request: observers would have more to do with that than with all its calls.
      emit(event) {
        if (event.type !== "auth.accepted" || !attempts.count(event)) emit(event);
      },
    });
    this.#origins = process.origins;
    this.serve(process.origins, servers);
    const limits = connectionLimits(process, servers, emit);
    const service: Service = {
      request: (request, caller) => this.#service.request(request, caller),
      upgrade: (request, caller) => this.#service.upgrade(request, caller),
    };
    this.tls = options.tls && new ServedTls(options.tls, emit);
    const { refuse } = this.#policies;
    this.listener = listen(service, {
      ...{ host, port, tls: this.tls?.files, maxHeaderBytes, ...limits, refuse, emit },
    });
    this.#redirects = this.tls && httpRedirectPort !== undefined
      ? this.#listenForRedirects(httpRedirectPort, limits)
      : undefined;
    this.tls?.follow((files) => renewTls(this.listener, files));
  }

  /** From now on these servers answer pages of these origins. Who was served before keeps its sessions. */
  serve(origins: ProcessConfig["origins"], servers: Servers): void {
    this.#origins = origins;
    this.#routes.serve(servers);
    this.#service = this.#serviceOf();
  }

  /** Where clients find a server, the preferred wire first. */
  endpointsOf(server: ServedServer): Endpoint[] {
    return this.#routes.endpointsOf(server);
  }

  /** What is bound, where the URLs do not show it. */
  get bound(): string | undefined {
    const { listen: { host }, clients } = this.#process;
    if (publicBase(clients) === undefined && !isWildcard(host)) return undefined;
    return `${host.includes(":") ? `[${host}]` : host}:${this.listener.addr.port}`;
  }

  /** Where plain HTTP is answered with where HTTPS is. */
  get redirects(): string | undefined {
    const port = this.#redirects?.addr.port;
    return port === undefined ? undefined : `http://${reachableHost(this.#process.listen.host)}:${port}`;
  }

  /** A server that has ended. */
  forget(server: ServedServer): void {
    this.#routes.forget(server);
    this.#service = this.#serviceOf();
  }

  async close(): Promise<void> {
    this.tls?.[Symbol.dispose]();
    try {
      await Promise.all([close(this.listener), this.#redirects && close(this.#redirects)]);
    } finally {
      this.#attempts[Symbol.dispose]();
      this.#bodies[Symbol.dispose]();
      this.#unread[Symbol.dispose]();
    }
  }

  /** At once: nothing may be left to be told. */
  kill(): void {
    this.#attempts[Symbol.dispose]();
  }

  get #base(): string {
    const { clients, listen } = this.#process;
    const scheme = this.tls ? "https" : "http";
    return publicBase(clients) ?? `${scheme}://${reachableHost(listen.host)}:${this.listener.addr.port}`;
  }

  /** Where that fails nothing is left open. */
  #listenForRedirects(port: number, limits: ConnectionLimits): Listener {
    const { emit } = this.#options;
    try {
      const httpsPort = () => publicPort(this.#process.clients) ?? this.listener.addr.port;
      const redirects = listenForRedirects(port, {
        ...{ process: this.#process, limits, refuse: this.#policies.refuse, httpsPort, emit },
      });
      background(redirects.ended, "redirects to HTTPS", emit);
      return redirects;
    } catch (error) {
      background(close(this.listener), "end of the listener", emit);
      throw error;
    }
  }

  #serviceOf(): Service {
    const process = { ...this.#process, origins: this.#origins };
    const policies = httpPolicies({ process, lasting: this.#policies, emit: this.#options.emit });
    return httpService({ routes: this.#routes.all, policies });
  }
}

/** What is garbage then would stay until something else wants room. */
function releaseWatch(): ReleaseWatch {
  return new ReleaseWatch(collectGarbage);
}

/** Of a proxy or a port mapping in front, where clients are told of one. */
function publicPort(clients: { readonly baseUrl: string }): number | undefined {
  const url = URL.parse(publicBase(clients) ?? "");
  return url?.protocol === "https:" ? Number(url.port || 443) : undefined;
}

function connectionLimits(
  { listen, unread }: ProcessConfig,
  servers: Servers,
  emit: Sink,
): ConnectionLimits {
  const maxChildren = [...servers.values()].reduce((sum, { config }) => sum + config.maxChildren, 0);
  const excess = listen.maxConnections && tooManyFor(listen.maxConnections, { maxChildren });
  if (excess) emit({ type: "warning", text: excess });
  const { headerTimeoutMs, idleTimeoutMs, maxConnections = connectionsFor({ maxChildren }) } = listen;
  const { maxConnectionsPerAddress = Math.ceil(maxConnections / 2) } = listen;
  const { stallTimeoutMs, maxUnreadBytes } = unread;
  return {
    ...{ maxConnections, maxConnectionsPerAddress, headerTimeoutMs, idleTimeoutMs, stallTimeoutMs },
    maxWholeBytes: maxUnreadBytes * WHOLE_SHARE,
  };
}
