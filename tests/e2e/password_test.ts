/** Passwords that are typed on a terminal. */
import assert from "node:assert/strict";
import { commandLine } from "../support/keystone.ts";
import {
  HAS_TERMINALS,
  MISSING,
  onTerminal,
  type PseudoTerminal,
  quoted,
} from "../support/pseudo_terminal.ts";

/** What the terminal is set to must be the same before and after: `stty -g` prints all of it. */
class Asked implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly path = `${this.folder}/users.json`;
  readonly terminal: PseudoTerminal;

  constructor() {
    const words = [Deno.execPath(), ...commandLine(["users", "add", "ann", "--basicUserFile", this.path])];
    const command = `sh -c ${quoted([`echo pid=$$; exec ${quoted(words)}`])}`;
    // This shell outlives a Ctrl-C that is for all on the terminal.
    this.terminal = onTerminal(
      `trap : INT TERM HUP; echo before=$(stty -g); ${command}; echo code=$?; echo after=$(stty -g); true`,
    );
  }

  /** Settles with its id once it asks. */
  async asking(): Promise<number> {
    const text = await this.terminal.screen.matching(/pid=\d+\s[^]*Password: /);
    return Number(/pid=(\d+)/.exec(text)?.[1]);
  }

  async ended(): Promise<{ code: number; text: string }> {
    await this.terminal.status;
    await this.terminal.screen.ended;
    const { text } = this.terminal.screen;
    const [, before, after] = /before=(\S+)[^]*after=(\S+)/.exec(text) ?? [];
    assert.equal(after, before, text);
    assert(before, text);
    return { code: Number(/code=(\d+)/.exec(text)?.[1]), text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminal[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function terminalTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name}${MISSING}`, ignore: !HAS_TERMINALS, fn });
}

terminalTest("a password is typed twice and unseen, with a key that takes back", async () => {
  await using asked = new Asked();
  await asked.asking();
  await asked.terminal.type("n0t-to-be-x\x7fseen\r");
  await asked.terminal.screen.matching(/The same again: /);
  await asked.terminal.type("n0t-to-be-seen\r");
  const { code, text } = await asked.ended();
  assert.equal(code, 0, text);
  assert.match(text, /Password: \r\nThe same again: \r\nUser "ann" is in/);
});

terminalTest("an arrow key is no part of a password", async () => {
  await using asked = new Asked();
  await asked.asking();
  await asked.terminal.type("long enough\x1b[D\r");
  const { code, text } = await asked.ended();
  assert.equal(code, 2, text);
  assert.match(text, /keystone: The password has a control character in it/);
});

terminalTest("Ctrl-C at the password ends the command, at once and with the terminal as it was", async () => {
  await using asked = new Asked();
  await asked.asking();
  await asked.terminal.type("abc\x03");
  const { code, text } = await asked.ended();
  assert.equal(code, 130, text);
  assert.match(text, /Password: \r\ncode=130/);
  await assert.rejects(Deno.stat(asked.path), Deno.errors.NotFound);
});

terminalTest("Ctrl-D at the password is the end of the input, and no password", async () => {
  for (const again of [false, true]) {
    await using asked = new Asked();
    await asked.asking();
    if (again) {
      await asked.terminal.type("long enough\r");
      await asked.terminal.screen.matching(/The same again: /);
    }
    await asked.terminal.type("\x04");
    const { code, text } = await asked.ended();
    assert.equal(code, 2, text);
    assert.match(text, /keystone: No password is given: the input ended before it\r\n/);
  }
});

terminalTest("a signal at the password ends the command with the terminal as it was", async () => {
  for (const [name, expected] of [["SIGTERM", 143], ["SIGHUP", 129], ["SIGINT", 130]] as const) {
    await using asked = new Asked();
    Deno.kill(await asked.asking(), name);
    const { code, text } = await asked.ended();
    assert.equal(code, expected, text);
  }
});
