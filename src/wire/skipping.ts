/** A message that is too long is left out, and what follows is read: how far that goes. */

/** So many times the longest message are left out of one that is longer; what goes on after that has no end. */
export const SKIPPED_TIMES = 16;
/** Nor has what stops within such a message: who writes one has it, and does not pause. */
export const SKIPPED_PAUSE_MS = 3_000;
/** Of the messages that are left out together, as many as mostly are told something. */
export const MAX_OUTLINES = 1_000;
