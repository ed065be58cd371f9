/** What a change of a file of credentials comes to, for those who look after who may come in. */
import type { Sink } from "../core/events.ts";

/** Of one credential. */
export interface KeyState {
  /** Another one for each change of it, and no secret. */
  readonly version: string;
  readonly isRevoked: boolean;
}

/** By the id that names each in logs. */
export type KeyStates = ReadonlyMap<string, KeyState>;

interface KeyChanges {
  readonly kind: string;
  readonly before: KeyStates;
  readonly now: KeyStates;
}

/** Says nothing where nothing has changed. */
export function tellKeyChanges(emit: Sink, { kind, before, now }: KeyChanges): void {
  const made = [...now.keys()].filter((id) => !before.has(id));
  const removed = [...before.keys()].filter((id) => !now.has(id));
  const others = [...now].filter(([id, { version }]) =>
    before.has(id) && before.get(id)?.version !== version
  );
  const isNewlyRevoked = ([id, { isRevoked }]: [string, KeyState]) => isRevoked && !before.get(id)?.isRevoked;
  const revoked = others.filter(isNewlyRevoked).map(([id]) => id);
  const changed = others.filter((one) => !isNewlyRevoked(one)).map(([id]) => id);
  if (made.length + removed.length + others.length === 0) return;
  emit({ type: "auth.keys_changed", kind, made, changed, revoked, removed });
}
