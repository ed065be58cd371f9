/** Does what a line of the prompt asks for, by the same functions as the admin endpoint. */
import type { Override } from "../overrides/override.ts";
import { parseOverride } from "../overrides/parse_override.ts";
import type { ChangeOptions, Runtime } from "../overrides/runtime.ts";
import type { Change, PromptCommand, ScopedKind, Secret } from "./command.ts";
import { HELP } from "./help.ts";
import { type Meant, meantBy, serversIn } from "./meant.ts";
import { PromptError } from "./prompt_error.ts";
import type { Scope } from "./scope.ts";
import type { PromptTarget } from "./target.ts";
import { appliedText, type Hidden, overridesText, reloadText, sessionsText } from "./texts.ts";

/** Who sits there. */
export interface Dialog {
  /** Asks for what is not shown; undefined where nobody wants to say it. */
  readonly askSecret: (question: string) => Promise<string | undefined>;
  /** What was asked for so far. */
  readonly hidden: Set<string>;
}

/**
 * Comes to what is to be shown. Throws PromptError and GatewayError, whose messages are for who asks. Nothing is awaited
 * before the question, so that what is pasted behind the line is the answer.
 */
export async function execute(
  command: PromptCommand,
  target: PromptTarget,
  dialog: Dialog,
): Promise<string> {
  const { hidden } = dialog;
  switch (command.kind) {
    case "nothing":
      return "";
    case "help":
      return HELP;
    case "config":
      return await target.config();
    case "reload":
      return await reloaded(target);
    case "quit":
      target.stop("quit at the prompt");
      return "The gateway stops\n";
    case "ask":
      return await asked(command, target, dialog);
    case "change":
      return changed(command.change, command.scope, { ...target, hidden });
    default:
      return inScope(command.kind, command.scope, { ...target, hidden });
  }
}

async function reloaded({ reload }: PromptTarget): Promise<string> {
  if (!reload) throw new PromptError("reload: there is no configuration file that could be read anew");
  return reloadText(await reload());
}

/** What cannot be set is said before the question. */
async function asked(
  { secret, scope }: { readonly secret: Secret; readonly scope: Scope },
  target: PromptTarget,
  { askSecret, hidden }: Dialog,
): Promise<string> {
  overrideOf(changeOf(secret, "x"), meantBy(scope, target.runtimes()).runtime);
  const value = await askSecret(secret.field === "bearer" ? "Token: " : `Value of ${secret.name}: `);
  if (value === undefined || value === "") return "Nothing is changed\n";
  if (secret.field === "env") hidden.add(`env.${secret.name}`);
  if (secret.field === "headers") hidden.add(`headers.${secret.name.toLowerCase()}`);
  return changed(changeOf(secret, value), scope, { ...target, hidden });
}

function changeOf(secret: Secret, value: string): Change {
  return secret.field === "bearer" ? { bearer: value } : { [secret.field]: { [secret.name]: value } };
}

interface Shown extends Pick<PromptTarget, "runtimes"> {
  readonly hidden: Hidden;
}

function changed(change: Change, scope: Scope, { runtimes, hidden }: Shown): string {
  const { runtime, id } = meantBy(scope, runtimes());
  const override = overrideOf(change, runtime);
  const options = optionsOf(scope);
  return appliedText(
    id === undefined
      ? runtime.changeDefaults(override, options)
      : runtime.changeSession(id, override, options),
    hidden,
  );
}

function overrideOf(change: Change, { kind }: Runtime): Override {
  const parsed = parseOverride(change, kind);
  if ("problems" in parsed) throw new PromptError(parsed.problems.join("\n"));
  return parsed.override;
}

function optionsOf({ restart }: Scope): ChangeOptions {
  return restart === undefined ? {} : { restart };
}

function inScope(kind: ScopedKind, scope: Scope, { runtimes, hidden }: Shown): string {
  const servers = serversIn(scope, runtimes());
  if (kind === "sessions") {
    return sessionsText([...servers.values()].flatMap((runtime) => runtime.sessions()));
  }
  if (kind === "show" && scope.session === undefined) {
    return overridesText([...servers].map(([name, runtime]) => [name, runtime.defaults().value]), hidden);
  }
  const { runtime, id } = meantBy(scope, servers);
  if (id !== undefined) return ofSession(kind, scope, { runtime, id, hidden });
  return appliedText(runtime.clearDefaults(optionsOf(scope)), hidden);
}

function ofSession(
  kind: Exclude<ScopedKind, "sessions">,
  scope: Scope,
  { runtime, id, hidden }: Required<Meant> & Pick<Shown, "hidden">,
): string {
  switch (kind) {
    case "show":
      return overridesText([[id, runtime.session(id).value]], hidden);
    case "clear":
      return appliedText(runtime.clearSession(id, optionsOf(scope)), hidden);
    case "end":
      runtime.endSession(id);
      return "The session is ended\n";
    case "restart":
      runtime.restartSession(id, scope.restart === "now" ? "now" : "idle");
      return scope.restart === "now" ? "Its server is opened again\n" : WHEN_IDLE;
  }
}

const WHEN_IDLE = "Its server is opened again as soon as no request is open\n";
