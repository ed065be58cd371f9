/** What a change of a file of credentials comes to, for those who look after who may come in. */
import type { Sink } from "../core/events.ts";
import type { Identity } from "./authenticator.ts";

/** Of one credential. */
export interface KeyState {
  /** Another one for each change of it, and no secret. */
  readonly version: string;
  readonly isRevoked: boolean;
}

/** By the id that names each in logs. */
export type KeyStates = ReadonlyMap<string, KeyState>;

/** By what each is compared with, such as a digest. A name may have two, while one takes the place of another. */
export function statesByName(all: Iterable<readonly [string, Identity]>): KeyStates {
  const versions = new Map<string, string>();
  for (const [digest, { credential = "", scopes }] of all) {
    versions.set(credential, `${versions.get(credential) ?? ""} ${digest} ${scopes.join(" ")}`);
  }
  return new Map([...versions].map(([name, version]) => [name, { version, isRevoked: false }]));
}

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
