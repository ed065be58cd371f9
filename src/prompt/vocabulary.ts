/** The words that a line may begin with: how each goes on, and what the help tells of it. */
import type { PlainKind, PromptCommand, ScopedKind } from "./command.ts";
import { ALL_OPTIONS, type Entry, type Given } from "./entry.ts";
import { namedEntry } from "./named_entry.ts";
import { PromptError } from "./prompt_error.ts";
import type { ScopeKey } from "./scope.ts";

const ENTRIES: readonly Entry[] = [
  namedEntry({
    ...{ word: "env", field: "env", form: "K=V", pair: /^([^=]+)=([^]*)$/ },
    usage: [
      ["env set K=V …", "sets variables of the server"],
      ["env set K", "asks for the value, which is not shown"],
      ["env unset K …", "takes variables away"],
    ],
  }),
  namedEntry({
    ...{ word: "header", field: "headers", form: '"K: V"', pair: /^([^:]+):\s*([^]*)$/ },
    usage: [
      ['header set "K: V" …', "sets headers that a remote is told"],
      ["header set K", "asks for the value, which is not shown"],
      ["header unset K …", "takes headers away"],
    ],
  }),
  {
    word: "args",
    usage: [
      ["args -- A …", "sets the arguments behind those that are configured"],
      ["args clear", "has them as they are configured"],
    ],
    ...{ next: ["clear", "--"], options: ALL_OPTIONS, read: argsIn },
  },
  {
    word: "bearer",
    usage: [
      ["bearer", "asks for the token that a remote is told, which is not shown"],
      ["bearer clear", "takes it away"],
    ],
    ...{ next: ["clear"], options: ALL_OPTIONS, read: bearerIn },
  },
  scoped("clear", { usage: "clear", does: "takes back all that is set", options: ALL_OPTIONS }),
  scoped("show", { usage: "show", does: "tells what is set", options: ["session", "server"] }),
  scoped("sessions", { usage: "sessions", does: "tells who is there", options: ["server"] }),
  ofSession("restart", { does: "opens its server again", options: ALL_OPTIONS }),
  ofSession("end", { does: "ends the session", options: ["session", "server"] }),
  plain("config", "tells each value that counts, and where it comes from"),
  plain("reload", "reads the configuration anew"),
  plain("help", "tells this"),
  plain("quit", "stops the gateway in good order"),
];

export const VOCABULARY: ReadonlyMap<string, Entry> = new Map(ENTRIES.map((entry) => [entry.word, entry]));

function argsIn({ words, behind, scope }: Given): PromptCommand {
  const clears = !behind && words.length === 1 && words[0] === "clear";
  if (!clears && (!behind || words.length > 0)) {
    throw new PromptError("args: expected -- and all arguments behind it, or clear");
  }
  return { kind: "change", change: { args: behind ?? null }, scope };
}

function bearerIn({ words, scope }: Given): PromptCommand {
  const [word, ...more] = words;
  if (word === undefined) return { kind: "ask", secret: { field: "bearer" }, scope };
  if (word === "clear" && more.length === 0) return { kind: "change", change: { bearer: null }, scope };
  throw new PromptError(
    "bearer: expected no token in the line, since it is asked for and not shown; or clear",
  );
}

interface Kind {
  readonly usage: string;
  readonly does: string;
  readonly options: readonly ScopeKey[];
}

function scoped(kind: ScopedKind, { usage, does, options }: Kind): Entry {
  return {
    ...{ word: kind, usage: [[usage, does]], next: [], options },
    read({ words, scope }) {
      refuseMore(kind, words);
      return { kind, scope };
    },
  };
}

function ofSession(kind: "restart" | "end", { does, options }: Omit<Kind, "usage">): Entry {
  const entry = scoped(kind, { usage: `${kind} --session ID`, does, options });
  return {
    ...entry,
    read(given) {
      const { session, restart } = given.scope;
      if (session === undefined) throw new PromptError(`${kind}: expected --session ID: sessions lists them`);
      if (kind === "restart" && restart === "never") {
        throw new PromptError("restart --restart never: expected idle or now");
      }
      return entry.read(given);
    },
  };
}

function plain(kind: PlainKind, does: string): Entry {
  return {
    ...{ word: kind, usage: [[kind, does]], next: [], options: [] },
    read({ words }) {
      refuseMore(kind, words);
      return { kind };
    },
  };
}

function refuseMore(word: string, more: readonly string[]): void {
  if (more.length > 0) throw new PromptError(`${word}: expected nothing else in the line`);
}
