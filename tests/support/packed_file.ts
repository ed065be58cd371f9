/** A self-extracting file in a folder of its own, started as by somebody who has nothing but what it needs. */
import { delimiter, join } from "node:path";
import { RUN_FLAGS } from "../../scripts/compile.ts";
import type { Target } from "../../scripts/ship/deno_runtime.ts";
import { pack } from "../../scripts/ship/pack.ts";

/** There is a header for it, which this system runs. */
export const SELF_EXTRACTS = Deno.build.os === "linux" || Deno.build.os === "darwin";

/** All that the header may call; what digests and what a libc is told by is not the same everywhere. */
export const TOOLS = "cat gzip id ln ls mkdir mktemp mv rm rmdir tail tar uname".split(" ");
const OTHERS = "sh ldd ps sha256sum shasum cksum".split(" ");

interface PackedFileOptions {
  /** Of the executable that it brings. */
  readonly deno: string;
  readonly bundle: string;
  readonly version?: string;
}

interface RunOptions {
  /** Beside PATH, HOME and TMPDIR. */
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** What starts it, such as another user. */
  readonly launcher?: readonly string[];
  readonly path?: string;
}

interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class PackedFile implements AsyncDisposable {
  /** Where it unpacks unless it is told otherwise. */
  readonly cache: string;
  /** A PATH with the tools alone: no Deno, no Node, no npm. */
  readonly tools: string;
  readonly home: string;
  /** What takes the place of /tmp. */
  readonly temporary: string;

  private constructor(readonly folder: string, readonly path: string) {
    this.home = `${folder}/home`;
    this.cache = `${this.home}/.cache/keystone`;
    this.tools = `${folder}/tools`;
    this.temporary = `${folder}/tmp`;
  }

  static async create(options: PackedFileOptions): Promise<PackedFile> {
    // Real, since the header tells real paths; a space, since users have them.
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "keystone packed " }));
    const file = new PackedFile(folder, `${folder}/keystone`);
    for (const path of [file.home, file.tools, file.temporary]) await Deno.mkdir(path, { mode: 0o700 });
    for (const tool of [...TOOLS, ...OTHERS]) await file.#link(tool);
    await file.pack(file.path, options);
    return file;
  }

  async pack(output: string, { deno, bundle, version = "1.0.0" }: PackedFileOptions): Promise<void> {
    // What is never unpacked elsewhere need not be small.
    const target = Deno.build.target as Target;
    await pack({ target, deno, bundle, version, runFlags: RUN_FLAGS, output, level: 1 });
  }

  /** Starts it with nothing in the environment but what is told. */
  spawn(args: readonly string[], options: RunOptions = {}): Deno.ChildProcess {
    const { env, cwd, launcher = [], path = this.path, stdin } = options;
    const [program = "", ...before] = [...launcher, path];
    return new Deno.Command(program, {
      args: [...before, ...args],
      clearEnv: true,
      env: { PATH: this.tools, HOME: this.home, TMPDIR: this.temporary, ...env },
      ...cwd === undefined ? {} : { cwd },
      ...{ stdin: stdin === undefined ? "null" : "piped", stdout: "piped", stderr: "piped" },
    }).spawn();
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const child = this.spawn(args, options);
    const written = options.stdin === undefined ? undefined : write(child.stdin, options.stdin);
    const { code, signal, stdout, stderr } = await child.output();
    await written;
    const decoder = new TextDecoder();
    return { code, signal, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** What the cache holds, marks of processes aside; a folder's files stand behind it. */
  async cached(cache = this.cache): Promise<string[]> {
    const found: string[] = [];
    for (const name of await namesIn(cache)) {
      if (!(await Deno.stat(`${cache}/${name}`)).isDirectory) found.push(name);
      else found.push([name, ...await namesIn(`${cache}/${name}`)].join(" "));
    }
    return found.filter((name) => !name.startsWith("deno-dir"));
  }

  /** The PATH without these tools, or with others in their place: what stands in the script is run by a shell. */
  async toolsWith(changes: Record<string, string | undefined>): Promise<string> {
    const folder = await Deno.makeTempDir({ dir: this.folder });
    for await (const { name } of Deno.readDir(this.tools)) {
      if (!(name in changes)) {
        await Deno.symlink(await Deno.realPath(`${this.tools}/${name}`), `${folder}/${name}`);
      }
    }
    for (const [name, script] of Object.entries(changes)) {
      if (script !== undefined) {
        await Deno.writeTextFile(`${folder}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      }
    }
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  async #link(tool: string): Promise<void> {
    const found = await findOnPath(tool);
    if (found !== undefined) await Deno.symlink(found, `${this.tools}/${tool}`);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  return names.filter((name) => !name.startsWith("used-by-")).sort();
}

async function findOnPath(program: string): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(delimiter)) {
    const path = join(folder, program);
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return undefined;
}

async function write(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  await new Blob([text]).stream().pipeTo(stdin);
}
