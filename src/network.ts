/** What clients of the network meet: one socket, the policies in front of it, and behind it the routes of all servers. */
import { ReleaseWatch } from "./base/release_watch.ts";
import type { ProcessConfig, ServerConfig } from "./config/mod.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import { Tickets } from "./auth/tickets.ts";
import { ticketOffice } from "./auth/ticket_office.ts";
import type { ProtectedResources } from "./auth/protected_resource.ts";
import type { Caller } from "./core/caller.ts";
import type { GatewayError } from "./core/errors.ts";
import { background, type Sink } from "./core/events.ts";
import { Unread } from "./core/unread.ts";
import { Bodies } from "./frontends/bodies.ts";
import { BodyShares } from "./frontends/body_shares.ts";
import { Forwarded } from "./frontends/forwarded.ts";
import type { Handler } from "./frontends/frontend.ts";
import type { Route } from "./frontends/mod.ts";
import { getOnly, healthOf, healthOfAll } from "./health_report.ts";
import { httpPolicies, type LastingPolicies, lastingPolicies } from "./http_policies.ts";
import { listenForRedirects } from "./http_redirect.ts";
import { httpService } from "./http_service.ts";
import { identityRoutes } from "./identity_routes.ts";
import { type PublicUrl, publicUrls } from "./public_urls.ts";
import { connectionsFor, tooManyFor } from "./listener/descriptors.ts";
import type { Listener } from "./listener/listener.ts";
import type { ConnectionLimits } from "./listener/places.ts";
import { isWildcard, reachableHost } from "./listener/reachable_host.ts";
import type { Service } from "./listener/service.ts";
import { type Endpoint, type Mount, mount } from "./mounts.ts";
import type { ServedServer } from "./served_server.ts";
import { metadataRoutes, protectedResources } from "./protected_resources.ts";
import { ServedTls } from "./served_tls.ts";
import { close, listen, renewTls } from "./server.ts";
import { serverIndex } from "./server_index.ts";
import type { TlsSource } from "./tls_source.ts";
import { collectGarbage } from "./wire/collect_garbage.ts";
import { IpNetworks } from "./wire/ip_networks.ts";
import { routeOf, withoutSlash } from "./wire/request_path.ts";

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

/** By name. */
type Servers = ReadonlyMap<string, ServedServer>;

/** A server and where clients find it. */
interface Mounted {
  readonly name: string;
  readonly mount: Mount;
  readonly config: ServerConfig;
  /** All that it has had; the newest one, which clients are told, is the last. */
  readonly prefixes: Set<string>;
}

/** A server below one prefix. */
interface Place {
  readonly config: ServerConfig;
  readonly routes: readonly Route[];
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
  /** For browsers, which set no headers where they open a stream or a socket. */
  readonly #tickets = new Tickets();
  readonly #unread: Unread;
  readonly #forwarded: Forwarded;
  readonly #publicUrl: PublicUrl;
  /** Where it proves who it is. */
  readonly #identity: readonly Route[];
  readonly #policies: LastingPolicies;
  /** Paths that anybody may ask for. */
  #open: ReadonlySet<string> = new Set();
  #probed: ReadonlySet<string> = new Set();
  /** Also of servers that are on their way out. */
  readonly #mounts = new Map<ServedServer, Mounted>();
  #servers: Servers = new Map();
  #origins: ProcessConfig["origins"];
  #resources: ProtectedResources | undefined;
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
    this.#forwarded = new Forwarded(proxies);
    this.#publicUrl = publicUrls({
      ...{ baseUrl: process.clients.baseUrl, forwarded: this.#forwarded, host },
      allowedHosts: process.origins.allowedHosts,
      port: () => this.listener.addr.port,
    });
    this.#identity = identityRoutes(process, this.#publicUrl);
    const isOpen = (request: Request) => this.#open.has(routeOf(request));
    const isProbe = (request: Request) => this.#probed.has(routeOf(request));
    const [tickets, publicUrl, resources] = [this.#tickets, this.#publicUrl, () => this.#resources];
    this.#policies = lastingPolicies({
      ...{ ...options, tickets, publicUrl, resources, process, proxies, isOpen, isProbe },
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
    const before = this.#servers;
    this.#origins = origins;
    this.#servers = servers;
    for (const [name, server] of servers) this.#place(name, server, before.get(name));
    this.#service = this.#serviceOf();
  }

  /** Where clients find a server, the preferred wire first. */
  endpointsOf(server: ServedServer): Endpoint[] {
    const mounted = this.#mounts.get(server);
    return mounted ? endpointsOf(mounted, this.#base) : [];
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
    this.#mounts.delete(server);
    this.#service = this.#serviceOf();
  }

  async close(): Promise<void> {
    this.tls?.[Symbol.dispose]();
    await Promise.all([close(this.listener), this.#redirects && close(this.#redirects)]);
    this.#bodies[Symbol.dispose]();
    this.#unread[Symbol.dispose]();
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
    const places = this.#places();
    const oauth = this.#oauthOf(places);
    this.#resources = protectedResources(oauth);
    const own = places.flatMap(({ routes }) => routes);
    const said = [...this.#healthy(), ...this.#identity, ...this.#reports(), ...metadataRoutes(oauth)];
    const routes = [...said, ...this.#ticketOffice(), ...own];
    this.#open = new Set(routes.flatMap(({ path, open }) => open ? withoutSlash(path) : []));
    this.#probed = new Set(routes.flatMap(({ path, probed }) => probed ? withoutSlash(path) : []));
    const process = { ...this.#process, origins: this.#origins };
    const policies = httpPolicies({ process, lasting: this.#policies, emit: this.#options.emit });
    return httpService({ routes, policies });
  }

  #oauthOf(places: readonly Place[]): Parameters<typeof protectedResources>[0] {
    const { clients, jwt } = this.#process;
    const isAccepted = this.#options.authenticators.some(({ kind }) => kind === "jwt");
    return {
      placed: places.map(({ config, routes }) => ({ ...config, paths: routes.map(({ path }) => path) })),
      clients,
      jwt: isAccepted ? jwt : undefined,
      baseOf: (request, caller) => this.#baseFor(request, caller),
    };
  }

  /** What this client has put before the paths. */
  #baseFor(request: Request, caller: Caller): string {
    const { clients } = this.#process;
    return publicBase(clients) ?? this.#forwarded.base(request, caller) ??
      new URL(request.url).origin + clients.baseUrl;
  }

  /** A server alone stands at the root. Who found it, or what it was before, elsewhere finds it there all the same. */
  #place(name: string, server: ServedServer, before: ServedServer | undefined): void {
    if (!isOnNetwork(server.config)) return;
    const known = before && this.#mounts.get(before)?.prefixes;
    const mounted = this.#mounts.get(server) ??
      { name, mount: this.#mount(server), config: server.config, prefixes: new Set(known) };
    const prefix = this.#process.clients.basePath + (this.#servers.size > 1 ? `/${name}` : "");
    mounted.prefixes.delete(prefix);
    mounted.prefixes.add(prefix);
    this.#mounts.set(server, mounted);
  }

  #mount(server: ServedServer): Mount {
    const { clients } = this.#process;
    return mount(server, {
      ...clients,
      publicBase: (request, caller) => clients.baseUrl || this.#forwarded.prefix(request, caller),
      bodies: new Bodies(server.config.maxBodyBytes, this.#bodies),
      unread: this.#unread.within(server.config),
      // Asked once it is mounted, with all others.
      metadataUrl: (request, caller) => this.#resources?.metadataUrl(request, caller),
    });
  }

  /**
   * Where each server is said to be goes before where one has been; and those of servers on their way out are behind all
   * others: what their open calls wait for still comes there.
   */
  #places(): Place[] {
    const mounted = this.#mounted();
    return [
      ...mounted.flatMap((one) => placesOf(one, [newest(one.prefixes)])),
      ...mounted.flatMap((one) => placesOf(one, [...one.prefixes].slice(0, -1))),
      ...this.#leaving().flatMap((one) => placesOf(one, [...one.prefixes])),
    ];
  }

  #ticketOffice(): Route[] {
    if (this.#options.authenticators.length === 0) return [];
    return [{ path: `${this.#process.clients.basePath}/auth/ticket`, http: ticketOffice(this.#tickets) }];
  }

  #healthy(): Route[] {
    const { healthEndpoints } = this.#process.clients;
    return healthEndpoints.map((path) => ({
      path,
      http: getOnly(() => new Response("ok")),
      open: true,
      probed: true,
    }));
  }

  #reports(): Route[] {
    const gateway = { version: this.#options.version, tls: () => this.tls?.report };
    const { basePath } = this.#process.clients;
    const own = [...this.#servers].flatMap(([name, server]) => {
      const prefixes = this.#mounts.get(server)?.prefixes ?? [`${basePath}/${name}`];
      return [...prefixes].map((prefix) => ({
        path: `${prefix}/health`,
        http: healthOf(server, gateway),
        open: true,
        probed: true,
      }));
    });
    const [first, ...others] = this.#servers.values();
    if (first && others.length === 0) return [...healthAt(basePath, healthOf(first, gateway)), ...own];
    return [
      { path: `${basePath}/`, http: serverIndex((request, caller) => this.#listed(request, caller)) },
      ...healthAt(basePath, healthOfAll(() => this.#servers, gateway)),
      ...own,
    ];
  }

  /** In the order of the configuration. */
  #mounted(): Mounted[] {
    return [...this.#servers.values()].flatMap((server) => this.#mounts.get(server) ?? []);
  }

  #leaving(): Mounted[] {
    const current = new Set(this.#servers.values());
    return [...this.#mounts].filter(([server]) => !current.has(server)).map(([, mounted]) => mounted);
  }

  #listed(request: Request, caller: Caller) {
    const base = publicBase(this.#process.clients) ?? this.#forwarded.base(request, caller) ?? this.#base;
    return this.#mounted().map((mounted) => {
      const { name } = mounted;
      const description = this.#servers.get(name)?.config.description;
      return { name, ...description !== undefined && { description }, endpoints: endpointsOf(mounted, base) };
    });
  }
}

function endpointsOf({ mount, prefixes }: Mounted, base: string): Endpoint[] {
  return mount.endpoints(base, newest(prefixes));
}

function placesOf({ mount, config }: Mounted, prefixes: readonly string[]): Place[] {
  return prefixes.map((prefix) => ({ config, routes: mount.routes(prefix) }));
}

function newest(prefixes: Mounted["prefixes"]): string {
  return [...prefixes].at(-1) ?? "";
}

export function isOnNetwork({ transports }: Pick<ServerConfig, "transports">): boolean {
  return transports.some((name) => name !== "stdio");
}

/** Also at the root, for who asks from beside us and not through the proxy. */
function healthAt(basePath: string, http: Handler): Route[] {
  return [...new Set(["/health", `${basePath}/health`])].map((path) => ({
    path,
    http,
    open: true,
    probed: true,
  }));
}

/** What is garbage then would stay until something else wants room. */
function releaseWatch(): ReleaseWatch {
  return new ReleaseWatch(collectGarbage);
}

/** What a proxy in front has clients write; a path alone does not say where the proxy is. */
function publicBase({ baseUrl }: { readonly baseUrl: string }): string | undefined {
  return /^https?:/i.test(baseUrl) ? baseUrl : undefined;
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
