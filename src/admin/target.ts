/** What the admin endpoint can do with a gateway, and all that it knows of one. */
import type { Sink } from "../core/events.ts";
import type { Counts } from "../observe/tally.ts";
import type { Version } from "../overrides/versioned.ts";

export interface AdminTarget {
  status(): GatewayStatus;
  /** Asks for an orderly stop, and does not wait for it. */
  stop(reason: string): void;
  /** Reads the configuration anew; settles with what has changed. Without it there is nothing to read. */
  reload?(): Promise<ReloadOutcome>;
  /** Each value of the configuration that counts, with its source and without secrets. */
  config(): Promise<Version<object>>;
  /** Sets what the change names over all else, until the end of the gateway; null takes it back. Throws ConflictError. */
  changeConfig(change: Readonly<Record<string, unknown>>, ifMatch?: string): Promise<ConfigChanged>;
  /** Has a sink hear every event from now on; returns what ends that. */
  subscribe(sink: Sink): () => void;
}

/** What was read counts, or is wrong and changes nothing; and more to tell. */
export interface ReloadOutcome {
  readonly kind: "applied" | "refused";
}

export interface ConfigChanged {
  readonly outcome: ReloadOutcome;
  /** What it names, without values. */
  readonly names: readonly string[];
  readonly etag: string;
}

export interface GatewayStatus extends Counts {
  readonly health: {
    readonly status: string;
    /** Whether requests are to be sent to it. */
    readonly serving: boolean;
    readonly reason?: string;
  };
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  /** Where clients of the network reach it. */
  readonly urls: readonly string[];
  readonly openRequests: number;
  /** The one that is served, where there is one. */
  readonly certificate?: {
    readonly validUntil: string;
    /** Whole ones; below zero when it has expired. */
    readonly daysLeft: number;
    readonly fingerprint: string;
    readonly selfSigned: boolean;
  };
  /** By name. */
  readonly servers: Readonly<Record<string, ServerStatus>>;
}

interface ServerStatus {
  readonly status: string;
  readonly reason?: string;
  readonly sessions: number;
}
