/**
 * What the two ends of a session have said of themselves in its handshake, and the revision that they have agreed on.
 * Most sessions of a gateway have agreed on the same: they share one record.
 */
import { SharedValues } from "../../base/shared_values.ts";
import { isObject, type JsonRpcRequest, objectIn, type Params } from "../message/jsonrpc.ts";
import { revisionIn } from "./messages.ts";

/** What is longer is no name of a program. */
const MAX_NAME_CHARS = 200;
/** Many times what any known client or server declares: a session must not be made to keep more than its share. */
const MAX_CAPABILITIES_CHARS = 4 * 1024;
const MAX_SHARED = 128;

export interface Negotiated {
  /** As the server has answered it; it need not be one that is served here. */
  readonly revision: string | undefined;
  readonly client: Party;
  readonly server: Party;
}

/** What one end of a session has said of itself. */
class Party {
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** As JSON: parsed it may take twenty times as much memory. */
  readonly #capabilities: string | undefined;

  constructor([name, version, capabilities]: Introduction) {
    this.name = name ?? undefined;
    this.version = version ?? undefined;
    this.#capabilities = capabilities ?? undefined;
  }

  /** What it has declared, parsed for each caller; undefined where that is not known: it declared none, or too much. */
  capabilities(): Params | undefined {
    return this.#capabilities === undefined ? undefined : JSON.parse(this.#capabilities);
  }
}

/** A party as JSON holds it. */
export type Introduction = readonly [
  name: string | null,
  version: string | null,
  capabilities: string | null,
];

/** What a client says of itself in its handshake, to be kept until that is answered. */
export function introductionIn({ params = {} }: JsonRpcRequest): Introduction {
  return introduction(params.clientInfo, params.capabilities);
}

/** What is agreed on when the server answers the handshake of that client with this result. */
export function negotiatedIn(client: Introduction, result: unknown): Negotiated {
  const { serverInfo, capabilities } = objectIn(result);
  const server = introduction(serverInfo, capabilities);
  return records.of(JSON.stringify([nameOf(revisionIn(result)), client, server]));
}

const records = new SharedValues(recordIn, MAX_SHARED);

function recordIn(text: string): Negotiated {
  const [revision, client, server]: [string | null, Introduction, Introduction] = JSON.parse(text);
  return { revision: revision ?? undefined, client: new Party(client), server: new Party(server) };
}

function introduction(info: unknown, capabilities: unknown): Introduction {
  const { name, version } = objectIn(info);
  return [nameOf(name), nameOf(version), declared(capabilities)];
}

function nameOf(value: unknown): string | null {
  return typeof value === "string" ? value.slice(0, MAX_NAME_CHARS) : null;
}

function declared(capabilities: unknown): string | null {
  if (!isObject(capabilities)) return null;
  const text = JSON.stringify(capabilities);
  return text.length > MAX_CAPABILITIES_CHARS ? null : text;
}
