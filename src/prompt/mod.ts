/** The prompt at which a gateway is changed while it runs; loaded only where it is asked for. */
export { Prompt } from "./prompt.ts";
export type { PromptTarget, ReloadOutcome } from "./target.ts";
