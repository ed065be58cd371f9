/**
 * One server of the modern era and the clients who share it (2026-07-28: basic pages "stdio", "Cancellation", "Progress",
 * "Subscriptions"). Requests of many may be in flight at a time by design: what belongs to which is said in each message.
 */
import type { Channel } from "../../core/channel.ts";
import { Members } from "../sharing/members.ts";
import { ServerEnd } from "../sharing/server_end.ts";
import { ServerForMany, type ServerForManyOptions } from "../sharing/server_for_many.ts";
import type { ClientKind, SharedClient } from "../sharing/shared_client.ts";
import { FromClients } from "./modern/from_clients.ts";
import { FromServer } from "./modern/from_server.ts";
import { ModernRequests } from "./modern/modern_requests.ts";

export class ModernServer extends ServerForMany {
  constructor(options: ServerForManyOptions) {
    const server = new ServerEnd(options);
    const members = new Members();
    const requests = new ModernRequests(server);
    const up = new FromClients(server, requests);
    const down = new FromServer(server, requests);
    super(options, {
      ...{ members, server },
      send: (client, envelope) => up.hear(client, envelope),
      leave(client: SharedClient): void {
        if (members.remove(client)) requests.leave(client);
      },
      hear: (envelope) => down.hear(envelope),
    });
  }

  /** A channel of one client's own, which speaks modern messages there. Throws DisconnectedError when the server is gone. */
  override join(kind: ClientKind = "request", party?: string): Channel {
    return super.join(kind, party);
  }
}
