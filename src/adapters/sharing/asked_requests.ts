/** What the server asks its clients: each request goes to one client, and only that client may answer it. */
import type { Envelope } from "../../core/channel.ts";
import { RpcCode, stillOpen, toRpcError } from "../../core/errors.ts";
import { cancelledId, reportedToken, requestedToken } from "../../core/mcp/messages.ts";
import { isOfTasks } from "../../core/mcp/methods.ts";
import {
  errorOf,
  isId,
  isObject,
  type JsonRpcErrorObject,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type ProgressToken,
  type RequestId,
} from "../../core/message/jsonrpc.ts";
import { UnclearQuestions } from "./unclear_questions.ts";
import { Elicitations } from "./elicitations.ts";
import { withAskedId } from "./rewrite.ts";
import { NO_CAPABILITIES, type SharedClient } from "./shared_client.ts";
import type { ServerEnd } from "./server_end.ts";
import { Left, type Withdrawer } from "./withdrawn_requests.ts";
import { quoted } from "../../base/outside.ts";
import { optionName } from "../../base/option_name.ts";

/** Who may be meant by a request of the server. */
interface Candidates {
  /** Those for whom the server may be working. */
  readonly askers: () => Iterable<Withdrawer>;
  /** Those who have a conversation with it. */
  readonly sessions: () => Iterable<SharedClient>;
}

interface Asked {
  readonly client: SharedClient;
  readonly id: RequestId;
  readonly token: ProgressToken | undefined;
}

/** A server that asks several things at once says so in one breath. */
const BREATH_MS = 10;
const SEVERAL = "several clients share this server, and each of them may be meant";
/** What a client must have declared to be asked for something. */
const ASKABLE = ["sampling", "elicitation", "roots"];
const NEEDED_CAPABILITY = /^(sampling|elicitation|roots)\//;

/** The capabilities of a client that say whether it may be asked; what else they hold may be large, and is not kept. */
export function askableIn(capabilities: unknown): ReadonlySet<string> {
  if (!isObject(capabilities)) return NO_CAPABILITIES;
  const known = sets.get(capabilities);
  if (known) return known;
  const askable = ASKABLE.filter((name) => Object.hasOwn(capabilities, name) && capabilities[name]);
  const set = askable.length === 0 ? NO_CAPABILITIES : new Set(askable);
  sets.set(capabilities, set);
  return set;
}

/** Whoever declares for many declares the same each time. */
const sets = new WeakMap<object, ReadonlySet<string>>();

export class AskedRequests {
  readonly elicitations = new Elicitations();
  readonly #server: ServerEnd;
  /** Who was asked last, and when. */
  #last: { readonly client: SharedClient; readonly at: number } | undefined;
  readonly #unclear = new UnclearQuestions((question, client) => {
    const { envelope, message } = question;
    const why = refused(`${quoted(message.method)} is ambiguous: ${SEVERAL}`);
    this.#askOne(envelope, message, client ? answererOf(client, message.method) : why);
  });
  readonly #openRequests = new Map<RequestId, Asked>();
  readonly #byToken = new Map<ProgressToken, Asked>();
  readonly #byClient = new Map<SharedClient, Set<Asked>>();

  constructor(server: ServerEnd) {
    this.#server = server;
  }

  /** Hands a request of the server to the client that it is for, or refuses it. */
  ask(envelope: Envelope, message: JsonRpcRequest, candidates: Candidates): void {
    const receiver = this.#receiverOf(message, candidates);
    if (receiver instanceof Set) return this.#unclear.hold({ envelope, message }, receiver);
    this.#askOne(envelope, message, receiver);
  }

  #askOne(envelope: Envelope, message: JsonRpcRequest, receiver: SharedClient | JsonRpcErrorObject): void {
    if (!("kind" in receiver)) {
      this.#server.drop("down", receiver.message);
      return this.#refuse(message.id, receiver);
    }
    this.#enter({ client: receiver, id: message.id, token: requestedToken(message) });
    this.elicitations.note(receiver, message);
    receiver.deliver(envelope);
  }

  /** A request of this client was answered: what the server asks from then on is for others. */
  settled(client: SharedClient): void {
    this.#unclear.without(client);
  }

  /** Passes a client's answer on, if it was asked. */
  answer(client: SharedClient, envelope: Envelope, message: JsonRpcResponse): Promise<void> | void {
    const { id } = message;
    const asked = id === null ? undefined : this.#openRequests.get(id);
    if (asked?.client !== client) {
      return this.#server.drop("up", "it answers nothing that this client was asked");
    }
    this.#remove(asked);
    return this.#server.send(withAskedId(envelope, message, asked.id));
  }

  /** Passes on how far a client has got with what it was asked. */
  progress(client: SharedClient, envelope: Envelope, message: JsonRpcNotification): Promise<void> | void {
    const token = reportedToken(message);
    const asked = token === undefined ? undefined : this.#byToken.get(token);
    if (asked?.client === client) return this.#server.send(envelope);
    return this.#server.drop("up", "progress of nothing that this client was asked");
  }

  /** The server no longer wants an answer. */
  cancel(envelope: Envelope, message: JsonRpcNotification): void {
    const id = cancelledId(message);
    const asked = id === undefined ? undefined : this.#openRequests.get(id);
    if (id !== undefined && this.#unclear.take(id)) return;
    if (!asked) return this.#server.drop("down", "it cancels a request that nobody was asked");
    this.#remove(asked);
    asked.client.deliver({ message, text: envelope.text });
  }

  /** The server has read that these have taken back their requests: what it asks now is for others. */
  read(all: Iterable<Withdrawer>): void {
    for (const one of all) if (one instanceof Left || one.openRequests.size === 0) this.#unclear.without(one);
  }

  /** `left` stands for it as long as the server may still ask something for it. */
  leave(client: SharedClient, left: Left | undefined): void {
    if (this.#last?.client === client) this.#last = undefined;
    this.#unclear.without(client, left);
    for (const asked of this.#byClient.get(client) ?? []) {
      this.#remove(asked);
      this.#refuse(asked.id, refused("The client that was asked is gone"));
    }
    this.elicitations.leave(client);
  }

  // --- who is meant ---

  /** Several are for who can wait until it is clear. */
  #receiverOf(
    message: JsonRpcRequest,
    candidates: Candidates,
  ): SharedClient | Set<Withdrawer> | JsonRpcErrorObject {
    const { id, method } = message;
    if (this.#openRequests.has(id) || this.#unclear.has(id)) return toRpcError(stillOpen(id));
    // The id of a task means nothing to a client that cannot know whose task it is.
    if (isOfTasks(method)) {
      return methodNotFound(`${quoted(method)} cannot be asked of the clients of a shared server`);
    }
    const askers = firstTwo(candidates.askers());
    const [first] = askers;
    if (askers.size > 1 && first?.party !== undefined) {
      const meant = this.#meantOf(first.party, [...candidates.askers()]);
      return meant ?? refused(`${quoted(method)} is ambiguous: ${SEVERAL}`);
    }
    // However many calls stand alone, none of them could be asked.
    if (askers.size > 1 && firstTwo(candidates.sessions()).size === 0) return standsAlone(method);
    const [client, other] = askers.size > 0 ? askers : candidates.sessions();
    if (other || askers.size > 1) return refused(`${quoted(method)} is ambiguous: ${SEVERAL}`);
    if (!client) return notThere(method);
    return answererOf(client, method);
  }

  /**
   * Who of several calls of one party may be meant: not those that wait for an answer already, but for the one that is just
   * being asked. Undefined where it may be another party's.
   */
  #meantOf(
    party: string,
    askers: readonly Withdrawer[],
  ): SharedClient | Set<Withdrawer> | undefined {
    const all = new Set<Withdrawer>();
    for (const asker of askers) {
      if (asker.party !== party) return undefined;
      all.add(asker);
    }
    const last = this.#last;
    const asking = last && all.has(last.client) && performance.now() - last.at < BREATH_MS;
    const idle = [...all].filter((one) => one instanceof Left || !this.#byClient.has(one));
    const meant = new Set(asking ? [...idle, last.client] : idle.length > 0 ? idle : all);
    const [only] = meant;
    return meant.size === 1 && only && !(only instanceof Left) ? only : meant;
  }

  // --- the books ---

  #enter(asked: Asked): void {
    const { client, id, token } = asked;
    this.#last = { client, at: performance.now() };
    this.#openRequests.set(id, asked);
    if (token !== undefined) this.#byToken.set(token, asked);
    const own = this.#byClient.get(client);
    if (own) own.add(asked);
    else this.#byClient.set(client, new Set([asked]));
  }

  #remove(asked: Asked): void {
    const { client, id, token } = asked;
    this.#openRequests.delete(id);
    if (isId(token) && this.#byToken.get(token) === asked) this.#byToken.delete(token);
    const own = this.#byClient.get(client);
    own?.delete(asked);
    if (own?.size === 0) this.#byClient.delete(client);
  }

  #refuse(id: RequestId, error: JsonRpcErrorObject): void {
    void this.#server.say(errorOf(id, error));
  }
}

/** Whether there is one, or more than one: of thousands no more need be looked at. */
function firstTwo<T>(all: Iterable<T>): ReadonlySet<T> {
  const found = new Set<T>();
  for (const one of all) if (found.add(one).size === 2) break;
  return found;
}

/** The client, or why it cannot be asked this. */
function answererOf(client: Withdrawer, method: string): SharedClient | JsonRpcErrorObject {
  return client instanceof Left ? notThere(method) : cannotAnswer(client, method) ?? client;
}

function notThere(method: string): JsonRpcErrorObject {
  return refused(`${quoted(method)} cannot be asked: whom it is for is not there`);
}

function cannotAnswer(client: SharedClient, method: string): JsonRpcErrorObject | undefined {
  if (client.kind !== "session") return standsAlone(method);
  const capability = NEEDED_CAPABILITY.exec(method)?.[1];
  if (capability === undefined || client.askable.has(capability)) return undefined;
  return methodNotFound(`${quoted(method)} cannot be asked: the client does not declare "${capability}"`);
}

function standsAlone(method: string): JsonRpcErrorObject {
  return methodNotFound(
    `${quoted(method)} cannot be asked of a client without a session (${optionName("stateful")})`,
  );
}

function methodNotFound(message: string): JsonRpcErrorObject {
  return { code: RpcCode.methodNotFound, message };
}

function refused(message: string): JsonRpcErrorObject {
  return { code: RpcCode.refused, message };
}
