/** The prompt on a terminal: lines in, answers out, and the log above the line that is being typed. */
import process from "node:process";
import type { Interface } from "node:readline";
import { escaped } from "../base/outside.ts";
import { GatewayError } from "../core/errors.ts";
import { background, type Sink } from "../core/events.ts";
import { completionOf, type Known } from "./completion.ts";
import { type Dialog, execute } from "./execute.ts";
import { type KeyInput, Keys } from "./keys.ts";
import { parseCommand } from "./parse_command.ts";
import { PromptError } from "./prompt_error.ts";
import { Screen, type Terminal } from "./screen.ts";
import type { PromptTarget } from "./target.ts";
import { hasSecret, masked } from "./typed_secrets.ts";

const PROMPT = "keystone> ";
const LEFT = "\nThe prompt is left, and the gateway goes on; Ctrl-C stops it\n";
const HISTORY_LINES = 500;

interface PromptOptions extends PromptTarget {
  readonly input: KeyInput;
  readonly terminal: Terminal;
  /** For Ctrl-C, which is no signal here. */
  readonly interrupt: () => void;
  readonly emit: Sink;
}

/** What is asked for and not shown. */
interface Question {
  readonly text: string;
  readonly answer: (secret: string | undefined) => void;
}

export class Prompt implements Disposable {
  readonly #options: PromptOptions;
  readonly #screen: Screen;
  readonly #lines: Interface;
  /** What came while another line was being done. */
  readonly #waiting: string[] = [];
  readonly #dialog: Dialog = { askSecret: (question) => this.#ask(question), hidden: new Set() };
  #pasting: { drawn: boolean } | undefined;
  /** Of the line that is typed, as it appears. */
  #drawn = "";
  #busy = false;
  #question: Question | undefined;
  #open = true;

  constructor(options: PromptOptions) {
    this.#options = options;
    this.#screen = new Screen(options.terminal, (chunk) => this.#seen(chunk));
    this.#lines = process.getBuiltinModule("node:readline").createInterface({
      input: new Keys(options.input, (text) => this.#paste(text)),
      output: this.#screen,
      ...{ terminal: true, prompt: PROMPT, historySize: HISTORY_LINES },
      completer: (line: string) => this.#question ? [[], line] : completionOf(line, this.#known()),
    });
    this.#lines
      .on("line", (line) => this.#hear(line))
      .on("history", (history) => this.#forgetSecret(history))
      .on("SIGINT", () => this.#interrupt())
      .on("close", () => this.#leave());
    this.#lines.prompt();
  }

  /** Writes whole lines, and below them again what is being typed. */
  above(text: string): void {
    if (!this.#open) return this.#screen.tell(text);
    const question = this.#question;
    if (question) return this.#screen.insert(`${text}${escaped(question.text)}`, 0);
    if (this.#busy) return this.#screen.tell(text);
    this.#screen.insert(text, this.#lines.getCursorPos().rows);
    this.#lines.prompt(true);
  }

  /** Leaves the terminal as it was. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#end("\n");
    this.#lines.close();
  }

  /** Ctrl-D, or the terminal is gone. */
  #leave(): void {
    if (this.#open) this.#end(LEFT);
  }

  #end(told: string): void {
    this.#open = false;
    this.#waiting.length = 0;
    this.#answer(undefined);
    this.#screen.tell(told);
  }

  #interrupt(): void {
    const question = this.#question;
    if (!question) return this.#options.interrupt();
    this.#question = { ...question, answer: () => question.answer(undefined) };
    // What was typed of it does not stay in the line.
    this.#lines.write(null, { name: "return" });
  }

  /** Readline reckons with one character at a time where it draws, so the whole line is drawn afterwards. */
  #paste(text: string): void {
    const rows = this.#lines.getCursorPos().rows;
    const pasting = this.#pasting = { drawn: false };
    this.#lines.write(text);
    this.#pasting = undefined;
    // It believes the cursor to be where its line ends now.
    if (pasting.drawn) this.#screen.tell("\n".repeat(this.#lines.getCursorPos().rows - rows));
    this.#lines.prompt(true);
  }

  /** Of what readline writes: no secret of a line, and nothing of what is, or may become, the answer to a question. */
  #seen(chunk: string): string {
    if (this.#question || this.#busy) return "";
    const { line } = this.#lines;
    if (this.#pasting) {
      this.#pasting.drawn ||= chunk === PROMPT + line;
      return "";
    }
    if (chunk === PROMPT + line) return PROMPT + (this.#drawn = masked(line));
    // A character at the end of the line: all else is drawn with the whole line.
    if (chunk === "" || !line.endsWith(chunk)) {
      if (chunk.includes("\n")) this.#drawn = "";
      return chunk;
    }
    const [before, shown] = [this.#drawn, masked(line)];
    if (shown.startsWith(before)) return (this.#drawn = shown).slice(before.length);
    queueMicrotask(() => this.#redraw());
    return "";
  }

  /** What was no secret until now is one, or the other way round. */
  #redraw(): void {
    const isSeen = this.#open && !this.#question && !this.#busy;
    if (isSeen && this.#drawn !== masked(this.#lines.line)) this.#lines.prompt(true);
  }

  #known(): Known {
    const runtimes = [...this.#options.runtimes()];
    const sessions = runtimes.flatMap(([, runtime]) => runtime.sessions().map(({ id }) => id));
    return { sessions, servers: runtimes.map(([name]) => name) };
  }

  /** The newest line is the first. */
  #forgetSecret(history: string[]): void {
    const [newest] = history;
    if (newest !== undefined && (this.#question || this.#busy || hasSecret(newest))) history.shift();
  }

  #hear(line: string): void {
    if (this.#question) return this.#answer(line);
    this.#waiting.push(line);
    if (!this.#busy) background(this.#runAll(), "prompt", this.#options.emit);
  }

  /** What came while the line was being done that asks now is the answer. */
  #ask(text: string): Promise<string | undefined> {
    this.#screen.tell(escaped(text));
    return new Promise((answer) => {
      this.#question = { text, answer };
      const said = this.#waiting.shift();
      if (said !== undefined) this.#answer(said);
    });
  }

  #answer(secret: string | undefined): void {
    const question = this.#question;
    if (!question) return;
    this.#question = undefined;
    this.#screen.tell("\n");
    question.answer(secret);
  }

  /** One after the other, the first one at once; the others appear as they are done. */
  async #runAll(): Promise<void> {
    this.#busy = true;
    try {
      await this.#run(this.#waiting.shift() ?? "");
      for (let line; (line = this.#waiting.shift()) !== undefined;) {
        this.#screen.tell(`${PROMPT}${escaped(masked(line))}\n`);
        await this.#run(line);
      }
    } finally {
      this.#busy = false;
      this.#draw();
    }
  }

  /** With what was typed meanwhile. */
  #draw(): void {
    if (!this.#open) return;
    // Readline goes up by as many rows before it draws.
    this.#screen.tell("\n".repeat(this.#lines.getCursorPos().rows));
    this.#lines.prompt(true);
  }

  async #run(line: string): Promise<void> {
    try {
      this.#show(await execute(parseCommand(line), this.#options, this.#dialog));
    } catch (error) {
      if (!(error instanceof PromptError) && !(error instanceof GatewayError)) throw error;
      this.#show(`${error.message}\n`);
    }
  }

  #show(text: string): void {
    this.above(text.split("\n").map(escaped).join("\n"));
  }
}
