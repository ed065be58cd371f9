/**
 * A Dockerfile executed without an engine: what it does happens in folders in place of the roots of images. What cannot
 * happen there, for it wants another image or root, is told, so that a test can say what it has not seen.
 */
import { basename, dirname } from "node:path";
import { type Instruction, parseDockerfile, readAssignments, type Stage } from "./dockerfile.ts";
import { run } from "./tool_cache.ts";

/** Where images have things, and each folder has its own. */
const PLACES = /(?<![\w/.-])\/(?:opt|usr\/local|data|tmp)(?=$|[/\s"':])/g;
/** Says something to the engine, and does nothing. */
const OF_THE_ENGINE = ["ARG", "EXPOSE", "VOLUME", "ENTRYPOINT", "HEALTHCHECK"];
/** Wants the packages, users and programs of the image. */
const OF_THE_IMAGE = /\b(?:apt-get|useradd|node|uv)\b/;

export interface BuildOptions {
  readonly dockerfile: string;
  /** The folder that COPY copies from. */
  readonly context: string;
  /** As builders know it: amd64, arm64. */
  readonly platform: string;
  /** Where the folders of the stages are made. */
  readonly folder: string;
}

/** What a stage has come to. */
export interface Built {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  /** By their names; the last one counts. */
  readonly forEngine: ReadonlyMap<string, string>;
}

/** The place that a path of the image has below this root. */
export function placed(text: string, root: string): string {
  return text.replace(PLACES, (place) => `${root}${place}`);
}

export class ScratchBuild {
  /** Instructions that were not executed. */
  readonly skipped: string[] = [];
  readonly #options: BuildOptions;
  readonly #stages: readonly Stage[];
  readonly #built = new Map<string, Built>();

  constructor(options: BuildOptions) {
    this.#options = options;
    this.#stages = parseDockerfile(options.dockerfile.replaceAll("${TARGETARCH}", options.platform));
  }

  /** Executes a stage once, after those that it is made from. */
  async stage(name: string): Promise<Built> {
    const known = this.#built.get(name);
    if (known) return known;
    const stage = this.#stages.find((stage) => stage.name === name);
    if (!stage) throw new Error(`There is no stage ${name}`);
    let built = await this.#begun(stage);
    for (const instruction of stage.instructions) built = await this.#execute(instruction, built);
    this.#built.set(name, built);
    return built;
  }

  /** What is made from another stage goes on in its folder. */
  async #begun({ from }: Stage): Promise<Built> {
    if (this.#stages.some(({ name }) => name === from)) return await this.stage(from);
    if (from !== "scratch") this.skipped.push(`FROM ${from}`);
    const root = await Deno.makeTempDir({ dir: this.#options.folder });
    for (const folder of ["tmp", "usr/local/bin"]) await Deno.mkdir(`${root}/${folder}`, { recursive: true });
    return { root, env: {}, forEngine: new Map() };
  }

  async #execute({ name, value }: Instruction, built: Built): Promise<Built> {
    const { root } = built;
    if (name === "ENV") return { ...built, env: { ...built.env, ...readAssignments(placed(value, root)) } };
    if (OF_THE_ENGINE.includes(name)) {
      return { ...built, forEngine: new Map(built.forEngine).set(name, value) };
    }
    if (name === "COPY" && !this.#copiesFromImage(value)) await this.#copy(value, root);
    else if (name === "WORKDIR") await Deno.mkdir(placed(value, root), { recursive: true });
    else if (name === "RUN" && !OF_THE_IMAGE.test(value)) await run("sh", ["-euc", placed(value, root)]);
    else this.skipped.push(`${name} ${value}`);
    return built;
  }

  /** Nobody has the files of another image here. */
  #copiesFromImage(value: string): boolean {
    const stage = this.#stages.find(({ name }) => name === /--from=(\S+)/.exec(value)?.[1]);
    return stage !== undefined && stage.from.includes("@sha256:") && stage.instructions.length === 0;
  }

  async #copy(value: string, root: string): Promise<void> {
    const paths = value.split(" ").filter((word) => !word.startsWith("--"));
    const from = /--from=(\S+)/.exec(value)?.[1];
    const mode = /--chmod=(\d+)/.exec(value)?.[1];
    const source = from === undefined ? `${this.#options.context}/` : (await this.stage(from)).root;
    const target = `${root}${paths.at(-1)}`;
    await Deno.mkdir(dirname(target), { recursive: true });
    for (const path of paths.slice(0, -1)) {
      const place = target.endsWith("/") ? `${target}${basename(path)}` : target;
      await run("cp", ["-RL", `${source}${path}`, place]);
      if (mode !== undefined) await Deno.chmod(place, parseInt(mode, 8));
    }
  }
}
