/** Which changes a stream is to tell of (2026-07-28, subscriptions page, "Notification Filter"). */
import { isObject, objectIn, type Params } from "../../../core/message/jsonrpc.ts";

/** By the capability under which a server offers to tell of a list. */
const LISTS: readonly (readonly [capability: string, key: string])[] = [
  ["tools", "toolsListChanged"],
  ["prompts", "promptsListChanged"],
  ["resources", "resourcesListChanged"],
];
const RESOURCES = "resourceSubscriptions";

/** The lists of whose changes a server with these capabilities tells. */
export function offeredLists(capabilities: Params): readonly string[] {
  return LISTS.filter(([name]) => isOffered(capabilities, name, "listChanged")).map(([, key]) => key);
}

export function offersSubscriptions(capabilities: Params): boolean {
  return isOffered(capabilities, "resources", "subscribe");
}

/** Undefined where there is nothing to be told of. */
export function filterOf(lists: readonly string[], uris: ReadonlySet<string>): Params | undefined {
  if (lists.length === 0 && uris.size === 0) return undefined;
  return {
    ...Object.fromEntries(lists.map((key) => [key, true])),
    ...uris.size > 0 && { [RESOURCES]: [...uris] },
  };
}

/** What a server has agreed to tell of. */
export class Honored {
  readonly #uris: ReadonlySet<unknown>;
  readonly #filter: Params;

  constructor(filter: unknown) {
    this.#filter = objectIn(filter);
    const { [RESOURCES]: uris } = this.#filter;
    this.#uris = new Set(Array.isArray(uris) ? uris : []);
  }

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  /** Of these lists, those of which it will not tell. */
  withoutLists(lists: readonly string[]): readonly string[] {
    return lists.filter((key) => this.#filter[key] !== true);
  }

  /** Whether it has nothing to tell. */
  get isEmpty(): boolean {
    return this.#uris.size === 0 && this.withoutLists(LISTS.map(([, key]) => key)).length === LISTS.length;
  }
}

function isOffered(capabilities: Params, name: string, what: string): boolean {
  const { [name]: capability } = capabilities;
  return isObject(capability) && capability[what] === true;
}
