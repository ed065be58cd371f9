/** A log level for each client: the server has the most talkative one, and each client hears what it wants. */
import { Chain, type LinkTo, linkTo } from "../../base/chain.ts";
import type { Envelope } from "../../core/channel.ts";
import { LOG_LEVELS, reachesRank } from "../../core/mcp/log_levels.ts";
import { Method } from "../../core/mcp/methods.ts";
import {
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
  type RequestId,
  resultOf,
} from "../../core/message/jsonrpc.ts";
import { rewritten } from "../../wire/anew.ts";
import { withAnswerId } from "../../wire/answer_id.ts";
import type { SharedClient } from "./shared_client.ts";
import type { SharedRequests } from "./shared_requests.ts";

/** Who may be meant by what is logged for nobody in particular. */
interface Hearers {
  /** The only client that there is. */
  readonly other?: SharedClient | undefined;
  /** The only one that has a request open. */
  readonly call?: SharedClient | undefined;
}

/** A client's request for another level. */
interface Change {
  readonly client: SharedClient;
  readonly id: RequestId;
  readonly rank: number;
}

export class SharedLogLevel {
  readonly #requests: SharedRequests;
  /** Those who have set a level, as their clients know it: calls of modern clients set theirs each time, and leave. */
  readonly #wanted = new Chain<LinkTo<SharedClient>>();
  /** How many clients want each rank: the lowest is found without asking all of them. */
  readonly #counts = LOG_LEVELS.map(() => 0);
  /** What the server is known to have; undefined before the first change and when it may have anything. */
  #atServer: number | undefined;
  /** One after the other, so that the answers come for what they are about; the first one is at the server. */
  readonly #changes = new Chain<LinkTo<Change>>();

  constructor(requests: SharedRequests) {
    this.#requests = requests;
  }

  /** Sets a client's level; one that is none goes to the server for its error. */
  set(client: SharedClient, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    const { id, params } = message;
    const rank = LOG_LEVELS.indexOf(params?.level);
    if (rank === -1) return this.#passInvalid(client, envelope, message);
    const change = linkTo({ client, id, rank });
    this.#requests.hold(client, id, () => this.#withdraw(change));
    this.#changes.add(change);
    if (this.#changes.size === 1) return this.#run();
  }

  leave(client: SharedClient): void {
    if (!this.#wanted.remove(client.logging)) return;
    this.#count(client.logRank, -1);
    void this.#adjust();
  }

  /**
   * To every client whose level lets it through, and to `other` where that one has set none; false when nobody has. A client
   * that is one call of a party hears what is logged while its call is the only one: else it may be about another.
   */
  logged(envelope: Envelope, { params }: JsonRpcNotification, { other, call }: Hearers): boolean {
    const rank = LOG_LEVELS.indexOf(params?.level);
    let heard = 0;
    for (const { value: client } of this.#wanted.all()) {
      if (client.party !== undefined && client !== call) continue;
      heard++;
      if (reachesRank(rank, client.logRank)) client.deliver({ ...envelope });
    }
    if (!other || other.logging.linked) return heard > 0;
    other.deliver({ ...envelope });
    return true;
  }

  /** To the one whose call it is about, if its level lets it through or it has set none. */
  loggedFor(client: SharedClient, envelope: Envelope, { params }: JsonRpcNotification): true {
    if (reachesRank(LOG_LEVELS.indexOf(params?.level), client.logRank)) client.deliver(envelope);
    return true;
  }

  /** A server that takes it all the same has a level that we do not know. Written anew: its text might hide another. */
  #passInvalid(client: SharedClient, envelope: Envelope, message: JsonRpcRequest): Promise<void> | void {
    this.#atServer = undefined;
    return this.#requests.pass(client, rewritten(envelope, message), message);
  }

  /** Goes through the changes up to one that the server must be asked for. */
  #run(): Promise<void> | void {
    for (let change = this.#changes.first; change; change = this.#changes.first) {
      const { client, id, rank } = change.value;
      const target = Math.min(rank, this.#lowest(client));
      if (target !== this.#atServer) return this.#ask(change, target);
      this.#finish(change, resultOf(id, {}), { message: resultOf(id, {}) });
    }
    return this.#adjust();
  }

  #ask(change: LinkTo<Change>, target: number): Promise<void> | void {
    return this.#requests.ask(Method.setLevel, paramsOf(target), (answer, said) => {
      if (this.#changes.first !== change) return;
      if ("result" in answer) this.#atServer = target;
      this.#finish(change, answer, said);
      void this.#run();
    });
  }

  #finish(change: LinkTo<Change>, answer: JsonRpcResponse, said: Envelope): void {
    const { client, id, rank } = change.value;
    this.#changes.remove(change);
    if ("result" in answer) this.#want(client, rank);
    this.#requests.answer(client, id, withAnswerId(said, answer, id));
  }

  /** Of one that is at the server already nobody knows what will come of it: whatever comes next sets it right. */
  #withdraw(change: LinkTo<Change>): void {
    const isAtServer = this.#changes.first === change;
    this.#changes.remove(change);
    if (!isAtServer) return;
    this.#atServer = undefined;
    void this.#run();
  }

  /** After a client has left; does not wait for the answer, since nobody asked. */
  #adjust(): Promise<void> | void {
    const target = this.#lowest();
    // Where nobody wants anything, there is no level that would be right.
    if (this.#changes.size > 0 || target === Infinity || target === this.#atServer) return;
    this.#atServer = target;
    return this.#requests.ask(Method.setLevel, paramsOf(target), (answer) => {
      if ("error" in answer) this.#atServer = undefined;
    });
  }

  #want(client: SharedClient, rank: number): void {
    if (client.logging.linked) this.#count(client.logRank, -1);
    client.logRank = rank;
    this.#wanted.add(client.logging);
    this.#count(rank, 1);
  }

  #count(rank: number, more: number): void {
    this.#counts[rank] = (this.#counts[rank] ?? 0) + more;
  }

  #lowest(except?: SharedClient): number {
    const own = except?.logging.linked ? except.logRank : undefined;
    const lowest = this.#counts.findIndex((count, rank) => count > (rank === own ? 1 : 0));
    return lowest === -1 ? Infinity : lowest;
  }
}

function paramsOf(rank: number): Params {
  return { level: LOG_LEVELS[rank] };
}
