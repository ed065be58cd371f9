// deno-lint-ignore-file no-console -- a run is repeated by its seed
/** Attacks of all kinds beside honest callers, who must not notice. */
import assert from "node:assert/strict";
import { beginSocket, beginSse, beginStreamable, type Conversation } from "../support/conversation.ts";
import type { Keystone } from "../support/keystone.ts";
import { Random } from "../support/random.ts";
import { callTool } from "../support/rpc.ts";
import { type Attack, ATTACKS } from "./attacks.ts";

/** Attackers at a time, and callers at a time on each wire; few, so that other work on the machine goes on. */
const ATTACKERS = 3;
/** Enough for each kind, on a busy machine as well; what is held up for longer is given up. */
const ATTACK_MS = 20_000;
const BEGIN = { streamable: beginStreamable, sse: beginSse, socket: beginSocket };

interface MixOptions {
  readonly seed: number;
  readonly until: AbortSignal;
}

interface MixResult {
  /** How often each kind was begun and not broken off, by its name. */
  readonly attacks: ReadonlyMap<string, number>;
  /** Calls that were answered rightly; a wrong answer rejects. */
  readonly calls: number;
}

/** Goes on until the signal says so, and once through all kinds of attack at least. */
export async function mix(gateway: Keystone, { seed, until }: MixOptions): Promise<MixResult> {
  const attacks = new Map(ATTACKS.map(({ name }) => [name, 0]));
  const waiting = [...ATTACKS];
  let calls = 0;
  console.info(`HOSTILE_SEED=${seed}`);
  const attackers = Array.from({ length: ATTACKERS }, async (_, number) => {
    const random = new Random(seed + number);
    while (!until.aborted || waiting.length > 0) {
      const attack = waiting.shift() ?? random.pick(ATTACKS);
      if (await attempted(attack, gateway, random)) {
        attacks.set(attack.name, attacks.get(attack.name)! + 1);
      }
    }
  });
  const callers = Object.values(BEGIN).map(async (begin, number) => {
    const random = new Random(seed - 1 - number);
    do calls += await converse(await begin(gateway), random); while (!until.aborted);
  });
  await Promise.all([...attackers, ...callers]);
  return { attacks, calls };
}

/** False where the gateway would not have it to the end. */
async function attempted(attack: Attack, gateway: Keystone, random: Random): Promise<boolean> {
  try {
    await attack.run(gateway, random, AbortSignal.timeout(ATTACK_MS));
    return true;
  } catch {
    return false; // Its connection was closed, or there was no time left.
  }
}

/** One session of an honest caller, whose ids are those of everybody else. */
async function converse(session: Conversation, random: Random): Promise<number> {
  await using conversation = session;
  const ids = [1, "1", 2];
  for (const id of ids) {
    const word = `${random.next()}`;
    await conversation.send(callTool(id, "echo", { word }));
    const answer = (await conversation.until(id)).at(-1);
    assert.equal(answer.result?.structuredContent?.word, word, JSON.stringify(answer));
  }
  return ids.length;
}
