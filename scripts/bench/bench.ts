/** What the measurements of one run have in common. */
import { Ids } from "./calls.ts";
import { usablePinning } from "./machine.ts";
import { type BenchOptions, type Pinning, UsageError } from "./options.ts";
import { type Contestant, type Guard, KEYSTONE, type TlsFiles } from "./peers.ts";
import { Results } from "./results.ts";
import { buildChild, CACHE, findContestants, makeApiKey, makeTlsFiles } from "./setup.ts";
import type { Started } from "./started.ts";
import { versionOf } from "./tools.ts";

export class Bench implements AsyncDisposable {
  readonly ids = new Ids();
  readonly results = new Results();
  /** Every command line that was started, by contestant and mode. */
  readonly commands = new Map<string, string>();
  /** What still runs, whoever forgot it. */
  readonly running = new Set<Started>();
  /** The names of all rows that there are, by the end of a run. */
  readonly #asked = new Set<string>();
  /** Nothing is started any more. */
  stopping = false;

  private constructor(
    readonly options: BenchOptions,
    readonly contestants: readonly Contestant[],
    /** The command line of the server behind the gateways. */
    readonly child: string,
    /** The cores, or why nothing is pinned. */
    readonly pinning: Pinning | string,
    readonly wrk: boolean,
    /** For logs, scripts and certificates of this run. */
    readonly folder: string,
    /** Or why there is no certificate. */
    readonly tls: TlsFiles | string,
    readonly guard: Guard,
  ) {}

  /** Builds and installs what is missing. */
  static async prepare(options: BenchOptions): Promise<Bench> {
    await Deno.mkdir(CACHE, { recursive: true });
    const pinning = await usablePinning(options);
    const child = await buildChild(options.child, typeof pinning === "string" ? undefined : pinning);
    const contestants = await findContestants(options);
    const wrk = options.load !== "builtin" && await versionOf("wrk", "--version") !== undefined;
    if (options.load === "wrk" && !wrk) throw new Error("wrk is not installed");
    const folder = await Deno.makeTempDir({ dir: CACHE, prefix: "run-" });
    const tls = await makeTlsFiles(folder).catch((error: Error) => error.message);
    const guard = await makeApiKey(folder);
    return new Bench(options, contestants, child, pinning, wrk, folder, tls, guard);
  }

  get gatewayCore(): number | undefined {
    return typeof this.pinning === "string" ? undefined : this.pinning.gateway;
  }

  /** Who has sessions; in a quick run Keystone alone, since the marks of sessions compare it with itself. */
  get sessionHolders(): Contestant[] {
    return this.contestants.filter(({ bare, name }) => !bare && (!this.options.quick || name === KEYSTONE));
  }

  /** Throws UsageError when one of `--rows` asks for nothing that there is; to be called after all. */
  checkRows(): void {
    const names = [...this.#asked, ...this.results.rows.map(({ name }) => name)];
    const unknown = this.options.rows?.find((start) => !names.some((name) => name.startsWith(start)));
    if (unknown === undefined) return;
    const groups = new Set(names.map((name) => name.split("/")[0]));
    throw new UsageError(
      `--rows ${unknown}: no row begins so; there are ${[...groups, "added"].join(", ")}. ` +
        `What was measured is in ${this.options.json}`,
    );
  }

  /** Whether `--rows` and `--quick` leave a measurement in; those of `--quick` are the ones that matter. */
  includes(name: string, matters: boolean): boolean {
    const { quick, rows } = this.options;
    this.#asked.add(name);
    if (rows) return rows.some((start) => name.startsWith(start));
    return matters || !quick;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping = true;
    await Promise.all([...this.running].map((started) => started[Symbol.asyncDispose]()));
    await Deno.remove(this.folder, { recursive: true });
  }
}
