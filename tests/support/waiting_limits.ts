/** What the HTTP frontends share, with limits that no test reaches and without a timer. */
import { ByteBudget } from "../../src/base/byte_budget.ts";
import { Unread, type UnreadLimits } from "../../src/core/unread.ts";
import { Bodies } from "../../src/frontends/bodies.ts";

export const MAX_BODY_BYTES = 16 * 1024 * 1024;

export function looseBodies(maxBodyBytes = MAX_BODY_BYTES): Bodies {
  return new Bodies({ maxBodyBytes, budget: new ByteBudget(Infinity) });
}

export function looseUnread(limits: Partial<UnreadLimits> = {}): Unread {
  return new Unread({
    maxBufferedMessages: Infinity,
    maxBufferedBytes: Infinity,
    maxUnreadBytes: Infinity,
    emit: () => {},
    ...limits,
  });
}
