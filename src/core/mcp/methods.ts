/** The methods that something here has to know. Every other one is carried as it is, whatever it means. */

export const Method = {
  // Asked by clients.
  initialize: "initialize",
  ping: "ping",
  callTool: "tools/call",
  listTools: "tools/list",
  getPrompt: "prompts/get",
  listPrompts: "prompts/list",
  readResource: "resources/read",
  listResources: "resources/list",
  listTemplates: "resources/templates/list",
  complete: "completion/complete",
  subscribe: "resources/subscribe",
  unsubscribe: "resources/unsubscribe",
  setLevel: "logging/setLevel",
  /** Asks which revisions a server speaks, in place of `initialize` (since 2026-07-28). */
  discover: "server/discover",
  /** Opens a stream of what changes at a server; it is answered when that ends (since 2026-07-28). */
  listen: "subscriptions/listen",

  // Asked by servers.
  elicit: "elicitation/create",
  createMessage: "sampling/createMessage",
  listRoots: "roots/list",

  // Said by either side, and not answered.
  initialized: "notifications/initialized",
  cancelled: "notifications/cancelled",
  progress: "notifications/progress",
  rootsChanged: "notifications/roots/list_changed",
  resourceUpdated: "notifications/resources/updated",
  logged: "notifications/message",
  elicitationComplete: "notifications/elicitation/complete",
  toolsChanged: "notifications/tools/list_changed",
  promptsChanged: "notifications/prompts/list_changed",
  resourcesChanged: "notifications/resources/list_changed",
  /** The first message of a stream of changes: which of those that were asked for it will have (since 2026-07-28). */
  acknowledged: "notifications/subscriptions/acknowledged",
} as const;

const LIST_CHANGED = /^notifications\/(tools|prompts|resources)\/list_changed$/;

/** Whether it tells clients that a list of the server's is another one now. */
export function isListChanged(method: string): boolean {
  return LIST_CHANGED.test(method);
}

/** Whether it is about tasks, which are named by ids of their own (2025-11-25, "Tasks"). */
export function isOfTasks(method: string): boolean {
  return method.startsWith("tasks/");
}

/** Whether it is the name of a notification: nobody answers one. */
export function isNotificationName(method: string): boolean {
  return method.startsWith("notifications/");
}
