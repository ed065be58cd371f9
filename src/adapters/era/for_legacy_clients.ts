/**
 * A modern server behind legacy clients: it is spoken to in 2026-07-28, and whoever has the channel speaks a revision that
 * begins with a handshake. No specification says how; what each side demands is in the pages of both, and what a server
 * asks in the middle of a call is brought to the client as by the SDKs that serve both.
 */
import { Recent } from "../../base/recent.ts";
import type { Backend, Launch } from "../../core/backend.ts";
import { LegacyConversation } from "./legacy/legacy_conversation.ts";
import { type LegacyClientOptions, resolvedOptions } from "./legacy/options.ts";
import { type LossListener, lossOf } from "./legacy/plain_result.ts";

export type { LegacyClientOptions };

/** Of tools of which it was told that something is left out: so many are not told of again. */
const MAX_TOLD = 1_000;

/** Each `open` gives an ordinary legacy server. Throws what the opening of the modern one throws. */
export function forLegacyClients(modern: Backend, options: LegacyClientOptions): Backend {
  const settings = resolvedOptions(options);
  const { name } = modern;
  const told = new Recent<true>(MAX_TOLD);

  function listenerFor({ session }: Launch): LossListener {
    return (tool, what) => {
      const reason = lossOf(tool, what);
      if (told.get(reason)) return;
      told.set(reason, true);
      settings.emit({ type: "message.dropped", session, direction: "down", reason });
    };
  }

  return {
    name,
    async open(launch, signal) {
      const server = await modern.open({ ...launch, era: "modern" }, signal);
      const lose = listenerFor(launch);
      return new LegacyConversation(server, { ...settings, session: launch.session, name, lose });
    },
    [Symbol.asyncDispose]: () => modern[Symbol.asyncDispose](),
  };
}
