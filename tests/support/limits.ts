/** Limits that no test reaches which is about something else. */
export const SUBSCRIPTIONS = { maxSubscriptions: 1_000, maxUriChars: 8_192 };

/** As these, for what a session is remembered by. */
export const REMEMBERED = { ...SUBSCRIPTIONS, maxHandshakeChars: 1 << 18 };
