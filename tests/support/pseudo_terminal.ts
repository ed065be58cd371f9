/** A command on a terminal of its own, as `script` of util-linux makes one. */
import { TextLog } from "./keystone.ts";
import { printedBy } from "./programs.ts";

export const HAS_TERMINALS = (await printedBy("script", "--version"))?.includes("util-linux") === true;
/** For the name of a test that cannot run without. */
export const MISSING = HAS_TERMINALS ? "" : ": it wants script of util-linux";

export interface PseudoTerminal extends AsyncDisposable {
  /** Everything on the screen so far. */
  readonly screen: TextLog;
  type(text: string): Promise<void>;
  /** Of the shell. */
  readonly status: Promise<Deno.CommandStatus>;
}

/** Runs a line of sh. */
export function onTerminal(line: string): PseudoTerminal {
  const child = new Deno.Command("script", {
    args: ["-qfec", line, "/dev/null"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    env: { NO_COLOR: "1", TERM: "xterm", SHELL: "/bin/sh" },
  }).spawn();
  const screen = new TextLog(child.stdout);
  const keys = child.stdin.getWriter();
  return {
    screen,
    status: child.status,
    type: (text) => keys.write(new TextEncoder().encode(text)),
    async [Symbol.asyncDispose]() {
      await keys.close().catch(() => {});
      await child.status;
      await screen.ended;
    },
  };
}

/** For a shell. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}
