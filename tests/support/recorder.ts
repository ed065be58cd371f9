/** A sink that remembers, for tests of what observers are told. */
import type { GatewayEvent, Sink } from "../../src/core/events.ts";

export type EventOf<T extends GatewayEvent["type"]> = Extract<GatewayEvent, { type: T }>;

export interface Recorder {
  readonly emit: Sink;
  readonly events: readonly GatewayEvent[];
  /** The events of one type, in order. */
  told<T extends GatewayEvent["type"]>(type: T): EventOf<T>[];
  /** The reasons of all dropped messages. */
  drops(): string[];
}

export function recorder(): Recorder {
  const events: GatewayEvent[] = [];
  const told = <T extends GatewayEvent["type"]>(type: T) =>
    events.filter((event): event is EventOf<T> => event.type === type);
  return {
    emit: (event) => void events.push(event),
    events,
    told,
    drops: () => told("message.dropped").map(({ reason }) => reason),
  };
}
