/** What a legacy client has said of itself once, and a modern server wants to hear with each request. */
import type { Envelope } from "../../../core/channel.ts";
import { isLogLevel } from "../../../core/mcp/log_levels.ts";
import { MetaKey, metaOf, plainMeta } from "../../../core/mcp/request_meta.ts";
import { NEWEST, NEWEST_MODERN, REVISIONS } from "../../../core/mcp/revisions.ts";
import {
  isObject,
  type JsonRpcRequest,
  objectIn,
  type Params,
  type RequestId,
} from "../../../core/message/jsonrpc.ts";
import { anew } from "../../../wire/anew.ts";

/** What who has set no level hears: all, as servers of its own era mostly tell it ("Message Flow" of their logging page leaves that to them). */
const UNSET = "debug";
/** Of the extensions that a client may name: its answers have a `resultType` of their own, which no legacy client knows. */
const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

export class ClientProfile {
  #revision: string = NEWEST;
  #meta: Params = metaFor({}, undefined);
  #leveled: Params = leveled(this.#meta, UNSET);

  /** The revision that it is answered in. */
  get revision(): string {
    return this.#revision;
  }

  /** What a server may ask it. */
  get capabilities(): Params {
    const capabilities = this.#meta[MetaKey.capabilities];
    return objectIn(capabilities);
  }

  /** The request meta of its calls. */
  get meta(): Params {
    return this.#leveled;
  }

  /** The request meta of what is not its call: nothing is logged for that. */
  get quietMeta(): Params {
    return this.#meta;
  }

  /** Takes what `initialize` says: for all that follows, so what was set before counts no more. */
  introduce({ protocolVersion, clientInfo, capabilities }: Params): void {
    this.#revision = REVISIONS.find((served) => served === protocolVersion) ?? NEWEST;
    const declared = isObject(capabilities) ? carriedCapabilities(capabilities, this.#revision) : {};
    this.#meta = metaFor(declared, isObject(clientInfo) ? clientInfo : undefined);
    this.#leveled = leveled(this.#meta, UNSET);
  }

  /** False for what is no level. */
  setLevel(level: unknown): boolean {
    if (!isLogLevel(level)) return false;
    this.#leveled = leveled(this.#meta, level);
    return true;
  }
}

function leveled(meta: Params, level: unknown): Params {
  return { ...meta, [MetaKey.logLevel]: level };
}

function metaFor(capabilities: Params, client: Params | undefined): Params {
  return {
    [MetaKey.revision]: NEWEST_MODERN,
    ...client && { [MetaKey.client]: client },
    [MetaKey.capabilities]: capabilities,
  };
}

/** Those that a server of 2026-07-28 may count on, and that are the same there. */
function carriedCapabilities({ tasks: _, ...declared }: Params, revision: string): Params {
  const { roots, elicitation, extensions, ...others } = declared;
  const asked = elicitationOf(elicitation, revision);
  const extended = isObject(extensions) ? withoutTasks(extensions) : undefined;
  return {
    ...others,
    // That the list has changed is told to nobody any more.
    ...isObject(roots) && { roots: {} },
    ...asked && { elicitation: asked },
    ...extended && { extensions: extended },
  };
}

/** There is none before 2025-06-18, and none by URL before 2025-11-25 (changelogs of these). */
function elicitationOf(elicitation: unknown, revision: string): Params | undefined {
  if (!isObject(elicitation) || revision < "2025-06-18") return undefined;
  if (revision >= "2025-11-25") return elicitation;
  const { url: _, ...forms } = elicitation;
  return forms;
}

/** Undefined where nothing is left. */
export function withoutTasks(extensions: Params): Params | undefined {
  const { [TASKS_EXTENSION]: _, ...others } = extensions;
  return Object.keys(others).length > 0 ? others : undefined;
}

interface AskedAnew {
  readonly id: RequestId;
  readonly meta: Params;
}

/** A request under another id that says of itself what 2026-07-28 demands; what else stands in its `_meta` stays. */
export function withRequestMeta(
  envelope: Envelope,
  message: JsonRpcRequest,
  { id, meta }: AskedAnew,
): Envelope {
  return anew(envelope, message, (said) => ({ ...said, id, params: paramsWithMeta(said, meta) }));
}

export function paramsWithMeta(request: JsonRpcRequest, meta: Params): Params {
  const own = metaOf(request);
  return { ...request.params, _meta: { ...(own && plainMeta(own)), ...meta } };
}
