/** A password, typed unseen or read from a pipe. */
import { ConfigError } from "../../core/errors.ts";
import type { CommandContext } from "../command.ts";

/** The first line of stdin, which is asked for twice where somebody types it. Throws ConfigError where there is none. */
export async function readPassword(stderr: CommandContext["stderr"]): Promise<string> {
  const input = new Input();
  if (!Deno.stdin.isTerminal()) return await input.line();
  Deno.stdin.setRaw(true, { cbreak: true });
  try {
    const ask = async (what: string) => {
      stderr.write(`${what}: `);
      await stderr.flush();
      const typed = await input.line();
      stderr.write("\n");
      return typed;
    };
    const password = await ask("Password");
    if (await ask("The same again") === password) return password;
    throw new ConfigError("The passwords differ");
  } finally {
    Deno.stdin.setRaw(false);
  }
}

const MAX_CHARS = 1_024;
const ERASE = /[\b\x7f]/;

/** Lines of stdin, in which a terminal's key for it takes back a character. */
class Input {
  readonly #reader = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  #text = "";

  /** Without its end. Throws ConfigError for one that is too long, and for an end of the input before it. */
  async line(): Promise<string> {
    while (!/[\r\n]/.test(this.#text)) {
      const { value, done } = await this.#reader.read();
      if (done) return this.#take(this.#text.length);
      this.#text += value;
      if (this.#text.length > MAX_CHARS) {
        throw new ConfigError(`The password is too long: expected ${MAX_CHARS} characters at most`);
      }
    }
    return this.#take(this.#text.search(/[\r\n]/));
  }

  #take(end: number): string {
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end).replace(/^\r?\n|^\r/, "");
    const typed: string[] = [];
    for (const character of line) {
      if (ERASE.test(character)) typed.pop();
      else typed.push(character);
    }
    return typed.join("");
  }
}
