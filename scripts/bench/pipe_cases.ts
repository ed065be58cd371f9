/** The pipe without any gateway: what a call costs at least, and what each gateway adds to that. */
import type { Bench } from "./bench.ts";
import { answerCheck, callParts, SMALL } from "./calls.ts";
import type { Cell, Figures } from "./results.ts";
import { measureCells } from "./stage.ts";
import { latencyFigures } from "./stats.ts";

const PIPE = "pipe/1";
const ONE_CALLER = "stateful/1";

export async function runPipe(bench: Bench): Promise<void> {
  if (!bench.includes(PIPE, true)) return;
  const cell: Cell = { name: PIPE, contestant: "pipe", measure: () => measurePipe(bench) };
  await measureCells(bench, [cell]);
}

/** Adds the rows that are the difference of two others. */
export function addedLatency({ results, contestants }: Pick<Bench, "results" | "contestants">): void {
  const bare = results.samples(PIPE, "pipe", "p50");
  for (const { name } of contestants) {
    const own = results.samples(ONE_CALLER, name, "p50");
    for (const [round, p50] of own.entries()) {
      const least = bare[round];
      if (p50 !== undefined && least !== undefined) {
        results.add({ name: "added/1", contestant: name }, { p50: p50 - least });
      }
    }
  }
}

async function measurePipe(bench: Bench): Promise<Figures> {
  await using pipe = new Pipe(bench);
  const check = answerCheck(SMALL);
  const parts = callParts(SMALL);
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + bench.options.seconds * 1000;
  for (let sent = start; sent < end;) {
    const id = bench.ids.next();
    check(await pipe.ask(parts.join(`${id}`)), id);
    const now = performance.now();
    latencies.push(now - sent);
    sent = now;
  }
  return { rate: latencies.length / ((performance.now() - start) / 1000), ...latencyFigures(latencies) };
}

/** The server itself, on the core of the gateways. */
class Pipe implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  constructor({ child, gatewayCore }: Bench) {
    const pin = gatewayCore === undefined ? [] : ["taskset", "--cpu-list", `${gatewayCore}`];
    const [program = "", ...args] = [...pin, "sh", "-c", `exec ${child}`];
    const streams = { stdin: "piped", stdout: "piped", stderr: "null" } as const;
    this.#child = new Deno.Command(program, { args, ...streams }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  async ask(line: string): Promise<string> {
    await this.#writer.write(this.#encoder.encode(`${line}\n`));
    for (let answer = "";;) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("The child has ended");
      answer += this.#decoder.decode(value, { stream: true });
      if (answer.endsWith("\n")) return answer;
    }
  }

  /** It ends with its stdin. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}
