/** What of an event stands in the audit log: who did what, and never what it was proved by. */
import { remembered } from "../../base/remembered.ts";
import { cut, escaped } from "../../base/outside.ts";
import { safeText, safeValue } from "../../base/telling.ts";
import type { GatewayEvent } from "../../core/events.ts";
import { Method } from "../../core/mcp/methods.ts";
import { shortenedId } from "../told_event.ts";
import type { Entry } from "./chain.ts";

const TEXT_CHARS = 500;
const NAME_CHARS = 200;
/** Of the arguments of one call. */
const ARGUMENTS = { maxChars: 2_000, maxTotal: 8_000 };
const UUIDS = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;

/** Names come again and again. */
const toolNamed = remembered((name: string) => escaped(safeText(name, NAME_CHARS)));
const principalNamed = remembered((name: string) => escaped(cut(name, NAME_CHARS)));

/** Undefined for what is not recorded. */
export function entryOf(event: GatewayEvent): Entry | undefined {
  switch (event.type) {
    case "auth.accepted":
      return {
        event: "auth",
        server: event.backend,
        result: "accepted",
        kind: event.kind,
        key: event.credential,
        principal: principalNamed(event.principal),
        address: event.address,
        ...event.count !== undefined && { count: event.count },
      };
    case "auth.refused":
      return {
        event: "auth",
        server: event.backend,
        result: "refused",
        reason: event.reason,
        kind: event.kind,
        key: shown(event.credential),
        address: event.address,
        ...event.principal !== undefined && { principal: principalNamed(event.principal) },
        ...event.tool !== undefined && { tool: toolNamed(event.tool) },
      };
    case "request.finished":
      if (event.direction === "down" || event.method !== Method.callTool || event.isTold) return undefined;
      return callOf(event);
    case "tool.notified":
      return {
        event: "tool.call",
        ...placeOf(event),
        tool: event.tool === undefined ? undefined : toolNamed(event.tool),
        principal: whoOf(event),
        outcome: "notification",
        requestSize: event.requestSize,
      };
    case "tool.called":
      return {
        event: "tool.arguments",
        ...placeOf(event),
        id: event.id === undefined ? undefined : safeValue(event.id, ARGUMENTS),
        tool: event.tool === undefined ? undefined : toolNamed(event.tool),
        arguments: safeValue(event.arguments, ARGUMENTS),
      };
    // A POST that stands alone is no session.
    case "session.opened":
      return event.scope === "request" ? undefined : {
        event: event.type,
        ...placeOf(event),
        wire: event.wire,
        principal: whoOf(event),
        address: event.address,
      };
    case "session.closed":
      return event.scope === "request" ? undefined : {
        event: event.type,
        ...placeOf(event),
        principal: whoOf(event),
        reason: shown(event.reason),
      };
    default:
      return changeOf(event);
  }
}

/** What those do who run the gateway. */
function changeOf(event: GatewayEvent): Entry | undefined {
  switch (event.type) {
    case "override.changed": {
      const { changed, live, restart, when, session } = event;
      return {
        event: event.type,
        server: event.backend ?? shown(event.server),
        session: session === undefined ? undefined : shortenedId(session),
        changed: shown(changed),
        ...{ live, restart, when },
      };
    }
    case "admin.called": {
      const { method, path, status, changed, reason } = event;
      return {
        event: event.type,
        method,
        path: shown(path),
        status,
        changed: shown(changed),
        reason: shown(reason),
      };
    }
    case "auth.keys_changed": {
      const { kind, made, changed, revoked, removed } = event;
      return { event: "keys.changed", kind, made, changed, revoked, removed };
    }
    case "auth.trouble":
      return { event: "keys.trouble", file: event.file, reason: shown(event.reason) };
    case "auth.first_key":
      return { event: "keys.first", file: event.file };
    case "config.applied": {
      const { added, changed, removed, later } = event;
      return { event: event.type, added, changed, removed, later };
    }
    case "config.refused":
      return { event: event.type, problems: event.problems.slice(0, 20).map(shown) };
    default:
      return undefined;
  }
}

type Finished = Extract<GatewayEvent, { type: "request.finished" }>;

/** Sizes are characters of JSON. */
function callOf(event: Finished): Entry {
  const { id, tool, outcome, reason, code, durationMs, requestSize, answerSize } = event;
  // With each call: no object more than the line.
  return {
    event: "tool.call",
    server: event.backend,
    session: shortenedId(event.session),
    id: typeof id === "string" ? escaped(safeText(id, NAME_CHARS)) : id,
    tool: tool === undefined ? undefined : toolNamed(tool),
    principal: whoOf(event),
    outcome,
    code,
    reason: shown(reason),
    ms: Math.round(durationMs * 100) / 100,
    requestSize,
    answerSize,
  };
}

function placeOf({ session, backend }: { readonly session: string; readonly backend?: string }) {
  return { server: backend, session: shortenedId(session) };
}

function whoOf({ principal }: { readonly principal?: string | undefined }): string | undefined {
  return principal === undefined ? undefined : principalNamed(principal);
}

/** The id of a session is a secret wherever it stands. */
function shown(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return escaped(safeText(text.replace(UUIDS, (id) => id.slice(0, 8)), TEXT_CHARS));
}
