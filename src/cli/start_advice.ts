/** What may be tried where a server cannot be started, judged by what is known of its end. */
import type { TrialReport } from "../app.ts";

interface Sign {
  /** Held against the reason, and each line that the server wrote. */
  readonly pattern: RegExp;
  readonly advice: string;
}

/** The first ones are the surer ones. */
const SIGNS: readonly Sign[] = [
  {
    pattern: /\bE404\b|404 Not Found|not found in the (package )?registry|No matching distribution/i,
    advice: "the registry does not know the package: look for a typing error in its name or version",
  },
  {
    pattern:
      /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b|failed to fetch|dns error/i,
    advice:
      "something it wants from the network cannot be reached: look at the connection, HTTPS_PROXY and NO_PROXY",
  },
  {
    pattern: /could not determine executable|exited with code 127|command not found|: not found/i,
    advice: "a program is not there: install it, or name it with its whole path",
  },
  {
    pattern: /Permission denied|\bEACCES\b|exited with code 126|Exec format error/i,
    advice: "it may not be run as it is: look at the rights and the kind of the file",
  },
  {
    pattern: /\bMODULE_NOT_FOUND\b|Cannot find (module|package)|ModuleNotFoundError|No module named/i,
    advice: "a part of it is missing: install what it depends on, or name the directory to run in with --cwd",
  },
  {
    pattern:
      /\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b.*\b(required|not set|missing|must be|undefined)|(required|missing|set).*\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|environment variable/i,
    advice: "it wants an environment variable: give it with --env NAME=value",
  },
  {
    pattern: /usage:|unknown (option|argument|command)|missing (required )?argument|unrecognized arguments/i,
    advice: "it does not understand its arguments: see its own help",
  },
  {
    pattern: /unsupported engine|requires node|SyntaxError|Unsupported class file/i,
    advice: "it may want another version of what runs it, such as Node or Python",
  },
  {
    pattern: /\bEADDRINUSE\b|address already in use/i,
    advice:
      "a port that it wants is taken: it may be running already, or be a server for HTTP and not for stdio",
  },
  {
    pattern: /did not answer initialize/,
    advice:
      "it keeps silent: it may serve HTTP and want an argument to speak over stdio, or more time (--startTimeout)",
  },
  {
    pattern: /exited with code 0|closed the connection|closed its input/,
    advice: "it ended without a word of MCP: it may want an argument to speak over stdio",
  },
];

const MAX_ADVICE = 2;

/** What is not shown as a whole cannot be copied. */
function byItself(server: string): string {
  return /…|\*\*\*/.test(server)
    ? "run the command by itself to see more"
    : `run it by itself to see more: ${server}`;
}

/** The likeliest first. */
export function startAdvice({ server, reason, stderr, stdout }: TrialReport): string[] {
  const lines = [reason, ...stderr, ...stdout];
  const known = SIGNS.filter(({ pattern }) => lines.some((line) => pattern.test(line))).slice(0, MAX_ADVICE);
  const noisy = stdout.length > 0 ? ["what it writes on stdout is no MCP: its logs belong on stderr"] : [];
  return [...known.map(({ advice }) => advice), ...noisy, byItself(server)];
}
