/** How servers of the upstream are opened here, whoever they are for: each process of ours in a place of its own. */
import { withAnswerNames } from "../adapters/answer_names.ts";
import { forLegacyClients } from "../adapters/era/for_legacy_clients.ts";
import { handshakeFirst } from "../adapters/era/handshake_first.ts";
import { ServerEra } from "../adapters/era/server_era.ts";
import { forOneClient, openShared, type SharingOptions } from "../adapters/sharing/open_shared.ts";
import type { SharedServer } from "../adapters/sharing/shared_server.ts";
import { AS_CONFIGURED, type Backend, isAsConfigured, type Launch } from "../core/backend.ts";
import type { Era } from "../core/mcp/revisions.ts";
import type { Upstream } from "../upstream.ts";
import type { Leases } from "./lease.ts";
import { leased } from "./leased.ts";
import type { StartedAhead } from "./warm_pool.ts";

interface ServersOptions {
  readonly upstream: Upstream;
  readonly leases: Leases;
  /** How clients speak to a server that was initialized before they came. */
  readonly sharing: SharingOptions;
  readonly ahead?: StartedAhead | undefined;
  readonly serverEra: "auto" | Era;
  /** How long a server may take to say which era it speaks. */
  readonly probeTimeoutMs: number;
  /** How often a modern server may ask a legacy client something in one call. */
  readonly maxRounds: number;
}

export class Servers {
  readonly sharing: SharingOptions;
  readonly leases: Leases;
  readonly ahead: StartedAhead | undefined;
  /** Whether each is a process of ours, which needs a place. */
  readonly spawns: boolean;
  /** Opens one for a client, which waits for a place. */
  readonly cold: Backend;
  /** Opens one in a place that was taken for it. */
  readonly warm: Backend;
  /** The same for who speaks to it without a handshake. */
  readonly modern: Backend;
  /** Which era it speaks. */
  readonly era: ServerEra;
  /** Opens one in a place that nobody else wants. */
  readonly #spare: Backend;

  constructor(
    { upstream: { backend: server, spawns }, leases, sharing, ahead, serverEra, probeTimeoutMs, maxRounds }:
      ServersOptions,
  ) {
    this.sharing = sharing;
    this.ahead = ahead;
    this.leases = leases;
    this.spawns = spawns;
    const inPlace = (backend: Backend, waits: boolean) =>
      spawns ? leased(backend, leases, { waits }) : backend;
    const { clientInfo, maxSubscriptions, maxUriChars, emit } = sharing;
    this.modern = inPlace(server, true);
    // The one that is asked has no place, and is there for a moment: who waits for what it says may have the last one.
    const era = this.era = new ServerEra({
      ...{ setting: serverEra, clientInfo, timeoutMs: probeTimeoutMs, patientMs: sharing.timeoutMs, emit },
      backend: server,
    });
    const translated = forLegacyClients(server, { maxRounds, maxSubscriptions, maxUriChars, emit });
    const backend = handshakeFirst(server, { translated, era, emit });
    this.warm = backend;
    this.cold = inPlace(backend, true);
    this.#spare = inPlace(backend, false);
  }

  get name(): string {
    return this.warm.name;
  }

  /** Whether it is opened with nothing that a caller has brought, or that is set for one session: as for all. */
  isForAnybody(launch: Launch): boolean {
    return isAsConfigured(launch) && !this.ahead?.isOverridden(launch.session);
  }

  /** Knows whose answer it is that does not name its request as it was asked. */
  withAnswerNames(backend: Backend, { shared }: { readonly shared: boolean }): Backend {
    return withAnswerNames(backend, { shared, emit: this.sharing.emit });
  }

  /** Each with the handshake behind it, and for one client alone. */
  fresh(backend: Backend): Backend {
    return forOneClient(this.withAnswerNames(backend, { shared: false }), this.sharing);
  }

  /** A server for nobody yet, which has answered the handshake; `label` names it in events. */
  openForNobody(label: string, signal: AbortSignal): Promise<SharedServer> {
    return openShared(this.#spare, { ...AS_CONFIGURED, session: label }, { ...this.sharing, signal });
  }
}
