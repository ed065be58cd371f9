/** A password, typed unseen or read from a pipe. */
import { until } from "../../base/waiting.ts";
import { ConfigError } from "../../core/errors.ts";
import { type CommandContext, type Ending, Interrupted } from "../command.ts";

/**
 * The first line of stdin, which is asked for twice where somebody types it. Throws ConfigError where there is none, and
 * Interrupted for Ctrl-C and for a signal.
 */
export async function readPassword(stderr: CommandContext["stderr"]): Promise<string> {
  if (!Deno.stdin.isTerminal()) return await new Input(new AbortController().signal).line();
  return await unseen(async (signal) => {
    const input = new Input(signal);
    const ask = async (what: string) => {
      stderr.write(`${what}: `);
      await stderr.flush();
      try {
        return await input.line();
      } finally {
        stderr.write("\n");
      }
    };
    const password = await ask("Password");
    if (await ask("The same again") === password) return password;
    throw new ConfigError("The passwords differ");
  });
}

const ENDINGS: readonly Ending[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];

/** The terminal shows nothing meanwhile and makes no signals of keys; it is as before afterwards, whatever ends it. */
async function unseen(ask: (signal: AbortSignal) => Promise<string>): Promise<string> {
  const ending = new AbortController();
  const listeners = ENDINGS.map((name) => [name, () => ending.abort(new Interrupted(name))] as const);
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  Deno.stdin.setRaw(true);
  try {
    return await ask(ending.signal);
  } finally {
    Deno.stdin.setRaw(false);
    for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
  }
}

const MAX_CHARS = 1_024;

/** Lines of stdin, with the keys of a terminal that is in raw mode. */
class Input {
  readonly #reader = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  readonly #signal: AbortSignal;
  #text = "";

  /** `signal` fires with the error that ends the waiting. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Without its end. Throws ConfigError for what is no password, and Interrupted for Ctrl-C. */
  async line(): Promise<string> {
    while (!LINE_END.test(this.#text)) {
      const { value, done } = await until(this.#signal, this.#reader.read());
      if (done && this.#text === "") throw noPassword();
      // The last line of a pipe needs no end.
      this.#text += done ? "\n" : value;
      if (this.#text.includes(CTRL_C)) throw new Interrupted("SIGINT");
      if (this.#text.length > MAX_CHARS) {
        throw new ConfigError(`The password is too long: expected ${MAX_CHARS} characters at most`);
      }
    }
    const [line = ""] = this.#text.split(LINE_END, 1);
    if (this.#text[line.length] === CTRL_D) throw noPassword();
    this.#text = this.#text.slice(line.length).replace(LINE_END, "");
    return passwordOf(line);
  }
}

const CTRL_C = "\x03";
const CTRL_D = "\x04";
/** Ctrl-D ends the input at once. */
const LINE_END = new RegExp(`\r\n|[\r\n${CTRL_D}]`);
const ERASE = /[\b\x7f]/;
const CONTROL = /\p{Cc}/u;

/** Throws ConfigError. */
function passwordOf(line: string): string {
  const typed: string[] = [];
  for (const key of line) {
    if (ERASE.test(key)) typed.pop();
    else typed.push(key);
  }
  const password = typed.join("");
  // RFC 7617, section 2, forbids them; an arrow key begins with one.
  if (!CONTROL.test(password)) return password;
  throw new ConfigError("The password has a control character in it: expected letters, digits and signs");
}

function noPassword(): ConfigError {
  return new ConfigError("No password is given: the input ended before it");
}
