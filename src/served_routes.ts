/** Which routes there are: those of all servers, and what the gateway says of itself. */
import type { Authenticator } from "./auth/authenticator.ts";
import type { ProtectedResources } from "./auth/protected_resource.ts";
import { ticketOffice } from "./auth/ticket_office.ts";
import type { Tickets } from "./auth/tickets.ts";
import type { ProcessConfig } from "./config/mod.ts";
import type { Caller } from "./core/caller.ts";
import type { Unread } from "./core/unread.ts";
import { Bodies } from "./frontends/bodies.ts";
import type { BodyShares } from "./frontends/body_shares.ts";
import type { Forwarded } from "./frontends/forwarded.ts";
import type { Handler } from "./frontends/frontend.ts";
import type { Route } from "./frontends/mod.ts";
import { getOnly, healthOf, healthOfAll } from "./health_report.ts";
import { type Endpoint, type Mount, mount } from "./mounts.ts";
import { metadataRoutes, protectedResources } from "./protected_resources.ts";
import { isOnNetwork, type ServedServer } from "./served_server.ts";
import type { ServedTls } from "./served_tls.ts";
import { serverIndex } from "./server_index.ts";

/** By name. */
export type Servers = ReadonlyMap<string, ServedServer>;

/** A server and where clients find it. */
interface Mounted {
  readonly name: string;
  readonly mount: Mount;
  readonly server: ServedServer;
  /** All that it has had; the newest one, which clients are told, is the last. */
  readonly prefixes: Set<string>;
}

/** A server below one prefix. */
interface Place {
  readonly server: ServedServer;
  readonly routes: readonly Route[];
}

interface ServedRoutesOptions {
  readonly process: ProcessConfig;
  readonly version: string;
  /** Empty where anybody may call. */
  readonly authenticators: readonly Authenticator[];
  readonly tickets: Tickets;
  readonly bodies: BodyShares;
  readonly unread: Unread;
  readonly forwarded: Forwarded;
  /** Where the gateway proves who it is. */
  readonly identity: readonly Route[];
  /** What stands before all paths for who is not told otherwise. */
  readonly base: () => string;
  readonly tlsReport: () => ServedTls["report"];
}

export class ServedRoutes {
  readonly #options: ServedRoutesOptions;
  /** Those of the start: what clients are told of the address does not change with a configuration. */
  readonly #process: ProcessConfig;
  /** Also of servers that are on their way out. */
  readonly #mounts = new Map<ServedServer, Mounted>();
  #servers: Servers = new Map();
  #routes: readonly Route[] = [];
  #resources: ProtectedResources | undefined;

  constructor(options: ServedRoutesOptions) {
    this.#options = options;
    this.#process = options.process;
  }

  /** The first that fits a path answers. */
  get all(): readonly Route[] {
    return this.#routes;
  }

  /** What is asked for, where it depends on that who is let in. */
  get resources(): ProtectedResources | undefined {
    return this.#resources;
  }

  /** From now on these are served. Who was served before keeps its sessions. */
  serve(servers: Servers): void {
    const before = this.#servers;
    this.#servers = servers;
    for (const [name, server] of servers) this.#place(name, server, before.get(name));
    this.#lay();
  }

  /** A server that has ended. */
  forget(server: ServedServer): void {
    this.#mounts.delete(server);
    this.#lay();
  }

  /** Where clients find a server, the preferred wire first. */
  endpointsOf(server: ServedServer): Endpoint[] {
    const mounted = this.#mounts.get(server);
    return mounted ? endpointsOf(mounted, this.#options.base()) : [];
  }

  #lay(): void {
    const places = this.#places();
    const oauth = this.#oauthOf(places);
    this.#resources = protectedResources(oauth);
    const own = places.flatMap(({ routes }) => routes);
    const said = [
      ...this.#healthy(),
      ...this.#options.identity,
      ...this.#reports(),
      ...metadataRoutes(oauth),
    ];
    this.#routes = [...said, ...this.#ticketOffice(), ...own];
  }

  #oauthOf(places: readonly Place[]): Parameters<typeof protectedResources>[0] {
    const { clients, jwt } = this.#process;
    const isAccepted = this.#options.authenticators.some(({ kind }) => kind === "jwt");
    return {
      placed: places.map(({ server: { config, emit }, routes }) => (
        { ...config, emit, paths: routes.map(({ path }) => path) }
      )),
      clients,
      jwt: isAccepted ? jwt : undefined,
      baseOf: (request, caller) => this.#baseFor(request, caller),
    };
  }

  /** What this client has put before the paths. */
  #baseFor(request: Request, caller: Caller): string {
    const { clients } = this.#process;
    return publicBase(clients) ?? this.#options.forwarded.base(request, caller) ??
      new URL(request.url).origin + clients.baseUrl;
  }

  /** A server alone stands at the root. Who found it, or what it was before, elsewhere finds it there all the same. */
  #place(name: string, server: ServedServer, before: ServedServer | undefined): void {
    if (!isOnNetwork(server.config)) return;
    const known = before && this.#mounts.get(before)?.prefixes;
    const mounted = this.#mounts.get(server) ??
      { name, mount: this.#mount(server), server, prefixes: new Set(known) };
    const prefix = this.#process.clients.basePath + (this.#servers.size > 1 ? `/${name}` : "");
    mounted.prefixes.delete(prefix);
    mounted.prefixes.add(prefix);
    this.#mounts.set(server, mounted);
  }

  #mount(server: ServedServer): Mount {
    const { clients } = this.#process;
    return mount(server, {
      ...clients,
      publicBase: (request, caller) => clients.baseUrl || this.#options.forwarded.prefix(request, caller),
      bodies: new Bodies(server.config.maxBodyBytes, this.#options.bodies),
      unread: this.#options.unread.within(server.config),
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
    return [{
      path: `${this.#process.clients.basePath}/auth/ticket`,
      http: ticketOffice(this.#options.tickets),
    }];
  }

  #healthy(): Route[] {
    const { healthEndpoints } = this.#process.clients;
    return healthEndpoints.map((path) => ({
      path,
      http: getOnly(() => new Response("ok")),
      open: "probes",
    }));
  }

  #reports(): Route[] {
    const gateway = { version: this.#options.version, tls: this.#options.tlsReport };
    const { basePath } = this.#process.clients;
    const own = [...this.#servers].flatMap(([name, server]) => {
      const prefixes = this.#mounts.get(server)?.prefixes ?? [`${basePath}/${name}`];
      return [...prefixes].map((prefix) => ({
        path: `${prefix}/health`,
        http: healthOf(server, gateway),
        open: "probes" as const,
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
    const base = publicBase(this.#process.clients) ?? this.#options.forwarded.base(request, caller) ??
      this.#options.base();
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

function placesOf({ mount, server }: Mounted, prefixes: readonly string[]): Place[] {
  return prefixes.map((prefix) => ({ server, routes: mount.routes(prefix) }));
}

function newest(prefixes: Mounted["prefixes"]): string {
  return [...prefixes].at(-1) ?? "";
}

/** Also at the root, for who asks from beside us and not through the proxy. */
function healthAt(basePath: string, http: Handler): Route[] {
  return [...new Set(["/health", `${basePath}/health`])].map((path) => ({
    path,
    http,
    open: "probes",
  }));
}

/** What a proxy in front has clients write; a path alone does not say where the proxy is. */
export function publicBase({ baseUrl }: { readonly baseUrl: string }): string | undefined {
  return /^https?:/i.test(baseUrl) ? baseUrl : undefined;
}
