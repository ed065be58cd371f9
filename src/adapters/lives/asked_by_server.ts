/** What servers asked and their client has not answered: the successor of a server knows nothing of it. */
import type { Channel } from "../../core/channel.ts";
import { cancellation } from "../../core/mcp/messages.ts";
import type { JsonRpcNotification, RequestId } from "../../core/message/jsonrpc.ts";
import { Table } from "../../base/table.ts";

interface Asked {
  readonly id: RequestId;
  readonly server: Channel;
}

export class AskedByServer {
  readonly #openRequests = new Table<RequestId, Asked>();

  add(id: RequestId, server: Channel): void {
    this.#openRequests.set(id, { id, server });
  }

  /** The server that waits for this answer, and no longer does. */
  take(id: RequestId): Channel | undefined {
    return this.#openRequests.take(id)?.server;
  }

  /** Forgets what this server asked; the client is to hear it by these. */
  withdraw(server: Channel): JsonRpcNotification[] {
    const asked = this.#openRequests.values().filter((one) => one.server === server);
    return asked.map(({ id: requestId }) => {
      this.#openRequests.take(requestId);
      return cancellation(requestId, "The MCP server was restarted");
    });
  }
}
