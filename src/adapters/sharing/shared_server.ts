/** One server and the clients who share it: each message reaches whom it is for, and nobody else. */
import { ClientMessages } from "./client_messages.ts";
import { ServerForMany, type ServerForManyOptions } from "./server_for_many.ts";
import { ServerMessages } from "./server_messages.ts";
import { SharedParts, type SharedPartsOptions } from "./shared_parts.ts";

export interface SharedServerOptions extends ServerForManyOptions, SharedPartsOptions {
  /** The revisions that a client may be told. */
  readonly versions: readonly string[];
}

export class SharedServer extends ServerForMany {
  constructor(options: SharedServerOptions) {
    const parts = new SharedParts(options);
    const { members, server } = parts;
    const up = new ClientMessages(parts, options.versions);
    const down = new ServerMessages(parts);
    super(options, {
      ...{ members, server },
      send: (client, envelope) => up.hear(client, envelope),
      leave: (client) => parts.leave(client),
      introduce: (client, capabilities) => up.introduce(client, capabilities),
      hear: (envelope) => down.hear(envelope),
    });
  }
}
