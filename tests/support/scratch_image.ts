/** A stage of a Dockerfile, executed without an engine, and what is started of it. */
import { readExecForm } from "./dockerfile.ts";
import { TextLog } from "./keystone.ts";
import { printedBy } from "./programs.ts";
import { running } from "./processes.ts";
import { type BuildOptions, type Built, placed, ScratchBuild } from "./scratch_build.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Something that was started with the environment of the image, and with nothing of ours. */
export interface Container extends AsyncDisposable {
  readonly out: TextLog;
  readonly log: TextLog;
  write(text: string): Promise<void>;
  /** As `docker stop`, or the end of its stdin: settles with the exit code. */
  stop(): Promise<number>;
  closeStdin(): Promise<number>;
}

export class ScratchImage implements AsyncDisposable {
  /** Instructions that were not executed. */
  readonly skipped: readonly string[];
  readonly #folder: string;
  readonly #built: Built;

  private constructor(folder: string, built: Built, skipped: readonly string[]) {
    this.#folder = folder;
    this.#built = built;
    this.skipped = skipped;
  }

  static async build(stage: string, options: Omit<BuildOptions, "folder">): Promise<ScratchImage> {
    const folder = await Deno.makeTempDir({ prefix: "keystone-image-" });
    try {
      const build = new ScratchBuild({ ...options, folder });
      const image = new ScratchImage(folder, await build.stage(stage), build.skipped);
      await image.#addTini();
      return image;
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /** Where a path of the image is. */
  path(inImage: string): string {
    return placed(inImage, this.#built.root);
  }

  /** What the Dockerfile tells the engine. */
  told(instruction: string): string {
    return this.#built.forEngine.get(instruction) ?? "";
  }

  /** A container of it: ENTRYPOINT, and these words behind. */
  start(words: readonly string[], env: Record<string, string> = {}): Container {
    const child = this.#command([...readExecForm(this.told("ENTRYPOINT")), ...words], env).spawn();
    const [out, log] = [new TextLog(child.stdout), new TextLog(child.stderr)];
    const stdin = child.stdin.getWriter();
    let closed = false;
    const over = async () => {
      if (!closed) await stdin.close().catch(ignoreEnded);
      closed = true;
      await Promise.all([out.ended, log.ended]);
      return (await child.status).code;
    };
    const stop = async () => {
      if ((await running([child.pid])).length > 0) child.kill("SIGTERM");
      await child.status;
      return await over();
    };
    return {
      ...{ out, log, stop, closeStdin: over },
      write: (text) => stdin.write(new TextEncoder().encode(text)),
      async [Symbol.asyncDispose]() {
        await stop();
      },
    };
  }

  /** As `docker exec` does it. */
  async exec(words: readonly string[]): Promise<Ended> {
    const child = this.#command(words).spawn();
    await child.stdin.close();
    const { code, stdout, stderr } = await child.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  }

  /** As the engine asks for HEALTHCHECK. */
  async health(): Promise<Ended> {
    return await this.exec(readExecForm(this.told("HEALTHCHECK")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  #command([program = "", ...args]: readonly string[], env: Record<string, string> = {}): Deno.Command {
    const path = `${this.path("/usr/local/bin")}:${Deno.env.get("PATH") ?? ""}`;
    // tini wants to be told that it is not the first process, as it is in a container.
    const ours = { PATH: path, NO_COLOR: "1", TINI_SUBREAPER: "" };
    const variables = Object.entries({ ...this.#built.env, ...ours, ...env });
    return new Deno.Command("env", {
      args: ["-i", ...variables.map(([name, value]) => `${name}=${value}`), program, ...args],
      ...{ stdin: "piped", stdout: "piped", stderr: "piped", cwd: this.path("/data") },
    });
  }

  /** Its package is of the image. Where this machine has none, what it is started with is started directly. */
  async #addTini(): Promise<void> {
    if (await printedBy("tini", "--version") !== undefined) return;
    await Deno.writeTextFile(this.path("/usr/local/bin/tini"), '#!/bin/sh\nshift\nexec "$@"\n', {
      mode: 0o755,
    });
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
}
