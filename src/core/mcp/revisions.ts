/** The revisions of MCP that are served, and what tells them apart here. */

/** Those that begin with an `initialize` handshake, newest first. */
export const REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;
type Revision = (typeof REVISIONS)[number];

export const NEWEST: Revision = REVISIONS[0];

/** Those that have no handshake: each request says of itself what it is. Newest first. */
export const MODERN_REVISIONS = ["2026-07-28"] as const;
export const NEWEST_MODERN: (typeof MODERN_REVISIONS)[number] = MODERN_REVISIONS[0];

/** Two ways to begin: with a handshake for all that follows, or with each request anew. */
export type Era = "legacy" | "modern";

/** Whether it is a revision of the modern era that is spoken here. */
export function isModernRevision(revision: unknown): boolean {
  return MODERN_REVISIONS.some((served) => served === revision);
}

/** What the SDKs of the first weeks spoke, and still agree on: not offered, and passed through where both ends do. */
const UNPUBLISHED = "2024-10-07";

/** Whether a conversation of this revision can be carried. */
export function isServed(revision: string): boolean {
  return revision === UNPUBLISHED || REVISIONS.some((served) => served === revision);
}

/** As an error names them, newest first. */
export function servedRevisions(): string {
  return REVISIONS.join(", ");
}

/**
 * Whether a client of this revision knows event streams that begin with an event without data (2025-11-25, transports
 * page). One of an earlier revision reads it as JSON; and so may one whose revision is not known.
 */
export function hasPrimedStreams(revision: string | undefined): boolean {
  return revision !== undefined && revision >= "2025-11-25";
}
