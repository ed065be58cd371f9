/** How this program was started, and how it is started anew. */
import { fileURLToPath } from "node:url";

/** Said by what starts us in its place: the path of a file that runs by itself, or the words of a command as JSON. */
const VARIABLE = "KEYSTONE_COMMAND";

let said: string | undefined;

/** Reads it, and leaves it to nobody that we start; to be called before anything is. */
export function takeOwnCommand(): void {
  // Without the right to read variables nobody can have told us.
  if (Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state !== "granted") return;
  said = Deno.env.get(VARIABLE);
  Deno.env.delete(VARIABLE);
}

/** What a user, or a client of MCP, starts: the words in front of all flags. */
export function ownCommand(): string[] {
  return sayings(said) ?? ownProcess();
}

/**
 * The same for a process of its own, without what has started us: a launcher that hands signals on would stand between.
 * As a binary, or as a module with the rights that it has.
 */
export function ownProcess(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  return [Deno.execPath(), "run", ...isolation(), "--no-prompt", ...rights(), mainModule()];
}

/** A bundle needs no project, and what lies in a folder above it is its user's. The sources need theirs. */
function isolation(): string[] {
  return Deno.mainModule.endsWith(".ts") ? [] : ["--no-config", "--no-lock"];
}

function mainModule(): string {
  return Deno.mainModule.startsWith("file:") ? fileURLToPath(Deno.mainModule) : Deno.mainModule;
}

/** What is granted in part alone is not handed on: nobody can ask how it was written. */
function rights(): string[] {
  const names = ["read", "write", "net", "env", "run", "sys", "ffi"] as const;
  const granted = names.filter((name) => Deno.permissions.querySync({ name }).state === "granted");
  return granted.length === names.length ? ["-A"] : granted.map((name) => `--allow-${name}`);
}

/** Undefined where nothing was said, or what nobody of ours says. */
function sayings(text: string | undefined): string[] | undefined {
  if (text === undefined || text === "") return undefined;
  if (!text.startsWith("[")) return [text];
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.length > 0 && words.every(isText) ? words : undefined;
  } catch {
    return undefined;
  }
}

function isText(word: unknown): word is string {
  return typeof word === "string" && word !== "";
}
