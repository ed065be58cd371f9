/** Which server or session a line is about. */
import { echoed } from "../base/outside.ts";
import type { Runtime } from "../overrides/runtime.ts";
import { PromptError } from "./prompt_error.ts";
import type { Scope } from "./scope.ts";

type Runtimes = ReadonlyMap<string, Runtime>;

export interface Meant {
  readonly runtime: Runtime;
  /** The whole id of a session; undefined for all sessions of the server. */
  readonly id?: string;
}

/** An id may be given by so many of its first characters. */
const MIN_ID_CHARS = 4;

/** Throws PromptError where it is none, or may be several. */
export function meantBy(scope: Scope, runtimes: Runtimes): Meant {
  const servers = [...serversIn(scope, runtimes).values()];
  if (scope.session !== undefined) return ownerOf(scope.session, servers);
  const [only, ...others] = servers;
  if (only && others.length === 0) return { runtime: only };
  throw new PromptError(`Expected --server NAME or --session ID: the servers are ${namesOf(runtimes)}`);
}

/** The one that is named, or all. Throws PromptError where there is none. */
export function serversIn({ server }: Scope, runtimes: Runtimes): Runtimes {
  if (server === undefined) return runtimes;
  const runtime = runtimes.get(server);
  if (runtime) return new Map([[server, runtime]]);
  throw new PromptError(`--server ${echoed(server)}: there is none; the servers are ${namesOf(runtimes)}`);
}

function namesOf(runtimes: Runtimes): string {
  return [...runtimes.keys()].join(", ");
}

function ownerOf(beginning: string, runtimes: readonly Runtime[]): Meant {
  const all = runtimes.flatMap((runtime) => runtime.sessions().map(({ id }) => ({ runtime, id })));
  const whole = all.find(({ id }) => id === beginning);
  if (whole) return whole;
  const isLong = beginning.length >= MIN_ID_CHARS;
  const [first, ...others] = isLong ? all.filter(({ id }) => id.startsWith(beginning)) : [];
  if (first && others.length === 0) return first;
  const why = first ? "more than one session begins so" : "there is no such session";
  throw new PromptError(`--session ${echoed(beginning)}: ${why}; sessions lists those that there are`);
}
