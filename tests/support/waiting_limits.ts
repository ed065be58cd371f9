/** What the HTTP frontends share, with limits that no test reaches and without a timer. */
import type { BufferLimits } from "../../src/core/channel.ts";
import { type Accounts, Unread, type UnreadLimits } from "../../src/core/unread.ts";
import { BodyShares } from "../../src/frontends/body_shares.ts";
import { Bodies } from "../../src/frontends/bodies.ts";

export const MAX_BODY_BYTES = 16 * 1024 * 1024;

export function looseBodies(maxBodyBytes = MAX_BODY_BYTES): Bodies {
  return new Bodies(maxBodyBytes, new BodyShares({ maxBodiesBytes: Infinity }));
}

export function looseUnread(limits: Partial<UnreadLimits & BufferLimits> = {}): Accounts {
  const { maxBufferedMessages = Infinity, maxBufferedBytes = Infinity, ...rest } = limits;
  const unread = new Unread({ maxUnreadBytes: Infinity, emit: () => {}, ...rest });
  return unread.within({ maxBufferedMessages, maxBufferedBytes });
}
