/** Gateways in the background, as a user starts them; all that a test leaves running are ended with it. */
import { fileURLToPath } from "node:url";
import { isSameProcess } from "../../src/state/mod.ts";
import { eventually, TextLog } from "./keystone.ts";
import { running } from "./processes.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As much of a record as tests look at. */
export interface KeptRecord {
  readonly pid: number;
  readonly start: string;
  readonly admin: { readonly url: string; readonly token: string };
  readonly urls: readonly string[];
  readonly flags: readonly string[];
  readonly log?: string;
}

interface DaemonsOptions {
  /** The program before the command; main.ts by default. */
  readonly program?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where the commands are typed; here by default. */
  readonly cwd?: string;
}

/** A state folder of its own, and the commands for the gateways in it. */
export class Daemons implements AsyncDisposable {
  readonly folder: string;
  readonly #program: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #cwd: string | undefined;

  private constructor(folder: string, { program = ["run", "-A", MAIN], env = {}, cwd }: DaemonsOptions) {
    this.folder = folder;
    this.#program = program;
    this.#cwd = cwd;
    // Whoever runs the tests may have a configuration of his own.
    this.#env = { NO_COLOR: "1", XDG_CONFIG_HOME: "/dev/null", KEYSTONE_STATE_DIR: folder, ...env };
  }

  static async create(options: DaemonsOptions = {}): Promise<Daemons> {
    return new Daemons(await Deno.makeTempDir({ prefix: "keystone-state-" }), options);
  }

  /** Runs a command to its end. */
  async run(...args: readonly string[]): Promise<Outcome> {
    const { code, stdout, stderr } = await this.#command(args).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, stdout: out ?? "", stderr: err ?? "" };
  }

  /** Starts a gateway on a free port that does not try its server. Throws where it does not start. */
  async start(...args: readonly string[]): Promise<KeptRecord> {
    const { code, stdout, stderr } = await this.run("start", "--no-try-at-start", "--port", "0", ...args);
    if (code !== 0) throw new Error(`It did not start:\n${stdout}${stderr}`);
    const at = args.indexOf("--name");
    return await this.record(at < 0 ? "default" : args[at + 1]);
  }

  /** A command that goes on, for as long as the test wants. */
  follow(...args: readonly string[]): Followed {
    const child = this.#command(args).spawn();
    const [out, err] = [new TextLog(child.stdout), new TextLog(child.stderr)];
    return {
      pid: child.pid,
      status: child.status,
      printed: (pattern) => out.matching(pattern),
      logged: (pattern) => err.matching(pattern),
      text: () => out.text,
      async [Symbol.asyncDispose]() {
        if ((await running([child.pid])).length > 0) child.kill("SIGTERM");
        await Promise.all([child.status, out.ended, err.ended]);
      },
    };
  }

  path(file: string): string {
    return `${this.folder}/${file}`;
  }

  async record(name = "default"): Promise<KeptRecord> {
    return JSON.parse(await Deno.readTextFile(this.path(`${name}.json`)));
  }

  /** Ends every gateway that has a record here. */
  async [Symbol.asyncDispose](): Promise<void> {
    for await (const { name } of Deno.readDir(this.folder)) {
      if (name.endsWith(".json")) await this.#end(name.slice(0, -".json".length));
    }
    await Deno.remove(this.folder, { recursive: true });
  }

  /** A record may be made up by its test. */
  async #end(name: string): Promise<void> {
    const record = await this.record(name).catch(() => undefined);
    if (!record || !isSameProcess(record.pid, record.start)) return;
    Deno.kill(record.pid, "SIGTERM");
    await eventually(() => running([record.pid]), (left) => left.length === 0);
  }

  #command(args: readonly string[]): Deno.Command {
    return new Deno.Command(Deno.execPath(), {
      args: [...this.#program, ...args],
      ...{ stdin: "null", stdout: "piped", stderr: "piped", env: { ...this.#env } },
      ...this.#cwd !== undefined && { cwd: this.#cwd },
    });
  }
}

export interface Followed extends AsyncDisposable {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  printed(pattern: RegExp): Promise<string>;
  logged(pattern: RegExp): Promise<string>;
  /** What it has printed so far. */
  text(): string;
}
