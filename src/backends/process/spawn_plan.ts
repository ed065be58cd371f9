/** What is started for a command: the program itself, or the shell of this system with the whole line. */

interface SpawnedCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** `program` is a line for the shell. */
  readonly shell: boolean;
}

interface SpawnPlan {
  readonly program: string;
  readonly args: string[];
  /** Windows: the arguments stand on the command line as they are. */
  readonly windowsRawArguments: boolean;
}

/** `more` are arguments behind those of the command. */
export function spawnPlan(
  { program, args, shell }: SpawnedCommand,
  more: readonly string[],
  os: typeof Deno.build.os = Deno.build.os,
): SpawnPlan {
  if (!shell) return { program, args: [...args, ...more], windowsRawArguments: false };
  if (os !== "windows") {
    return { program: "/bin/sh", args: shellArgs(program, more), windowsRawArguments: false };
  }
  // With /s cmd.exe takes off the outer quotes and nothing else: the line is what it would be at its prompt.
  const line = [program, ...more.map(quotedForCmd)].join(" ");
  return { program: "cmd.exe", args: ["/d", "/s", "/c", `"${line}"`], windowsRawArguments: true };
}

/** "$@" hands further arguments to the line without quoting them again. */
function shellArgs(line: string, more: readonly string[]): string[] {
  return more.length === 0 ? ["-c", line] : ["-c", `${line} "$@"`, "sh", ...more];
}

/** One word for cmd.exe and for the program: a doubled quote leaves both of them inside of quotes. */
function quotedForCmd(word: string): string {
  const text = word.replace(
    /(\\*)("|$)/g,
    (_, slashes: string, quote: string) => `${slashes}${slashes}${quote}${quote}`,
  );
  // Between the first two percent signs there is no name, and the rest expands to nothing.
  return `"${text.replaceAll("%", "%%cd:~,%")}"`;
}
