/** What clients share of one server: one part for each thing, and each knows what that takes. */
import type { ResultEnvelope } from "../handshake.ts";
import type { SubscriptionLimits } from "../subscription_limits.ts";
import { AskedRequests } from "./asked_requests.ts";
import { Members } from "./members.ts";
import { ServerEnd, type ServerEndOptions } from "./server_end.ts";
import type { SharedClient } from "./shared_client.ts";
import { SharedLogLevel } from "./shared_log_level.ts";
import { SharedRequests } from "./shared_requests.ts";
import { SharedSubscriptions } from "./shared_subscriptions.ts";

export interface SharedPartsOptions extends ServerEndOptions, SubscriptionLimits {
  /** The answer to the one real `initialize`, from which each client's own is answered. */
  readonly initialized: ResultEnvelope;
}

export class SharedParts {
  /** As the server has introduced itself that is there now. */
  initialized: ResultEnvelope;
  readonly members = new Members();
  readonly server: ServerEnd;
  readonly requests: SharedRequests;
  readonly subscriptions: SharedSubscriptions;
  readonly logLevel: SharedLogLevel;
  readonly asked: AskedRequests;

  constructor(options: SharedPartsOptions) {
    this.initialized = options.initialized;
    this.server = new ServerEnd(options);
    this.requests = new SharedRequests(this.server, (all) => this.asked.read(all));
    this.subscriptions = new SharedSubscriptions(this.requests, options);
    this.logLevel = new SharedLogLevel(this.requests);
    this.asked = new AskedRequests(this.server);
  }

  /** The log level and the subscriptions first: taking back the open requests may set them right at the server. */
  leave(client: SharedClient): void {
    if (!this.members.remove(client)) return;
    this.logLevel.leave(client);
    this.subscriptions.leave(client);
    const left = this.requests.leave(client);
    this.asked.leave(client, left);
  }
}
