/** Starts this program once more, on its own: it outlives us and our terminal, and writes to its log. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { GatewayError, messageOf } from "../../core/errors.ts";
import { PRIVATE } from "../../files/private_file.ts";
import type { GatewayRecord, StateFolder } from "../../state/mod.ts";
import { ownProcess } from "../own_command.ts";

/** To listen takes no second; a machine may be slow, but somebody waits. */
const READY_MS = 60_000;
const POLL_MS = 25;
/** Of what it said before it died. */
const MAX_LAST_WORDS = 64 * 1024;

interface LaunchOptions {
  readonly name: string;
  readonly folder: StateFolder;
  /** Of serving. */
  readonly flags: readonly string[];
  readonly log: string;
}

export type Launched =
  | { kind: "ready"; record: GatewayRecord }
  /** What it wrote until then. */
  | { kind: "died"; code: number; lastWords: string };

/** Settles when it serves, or has died. Throws GatewayError where it does neither. */
export async function launch({ name, folder, flags, log }: LaunchOptions): Promise<Launched> {
  const nonce = crypto.randomUUID();
  const [program = "", ...words] = ownProcess();
  const own = ["start", "--foreground", "--name", name, "--launched", nonce];
  using output = openLog(log);
  const child = spawn(program, [...words, ...own, ...flags], {
    ...{ detached: true, windowsHide: true },
    stdio: ["ignore", output.fd, output.fd],
  });
  const end = endOf(child);
  const record = await Promise.race([end, untilReady(folder, name, { nonce, end })]);
  if (typeof record === "object") return { kind: "ready", record };
  if (record !== "late") return { kind: "died", code: record, lastWords: await written(log, output.size) };
  child.kill("SIGKILL");
  throw new GatewayError(`gateway "${name}" does not get ready, and was killed; its log is ${log}`);
}

interface OpenLog extends Disposable {
  readonly fd: number;
  /** Before anything was written to it. */
  readonly size: number;
}

function openLog(path: string): OpenLog {
  const fd = openSync(path, "a", PRIVATE);
  const { size } = Deno.statSync(path);
  return { fd, size, [Symbol.dispose]: () => closeSync(fd) };
}

async function endOf(child: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once("exit", (code) => resolve(code ?? 1));
  child.once("error", (error) => reject(new GatewayError(`cannot start Keystone: ${messageOf(error)}`)));
  return await promise;
}

interface Expected {
  readonly nonce: string;
  readonly end: Promise<number>;
}

async function untilReady(folder: StateFolder, name: string, { nonce, end }: Expected) {
  const deadline = performance.now() + READY_MS;
  let over = false;
  void end.finally(() => over = true).catch(() => {});
  while (!over && performance.now() < deadline) {
    // What another one has left may be broken, and is replaced.
    const record = await folder.read(name).catch(() => undefined);
    if (record?.nonce === nonce) return record;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return over ? await end : "late" as const;
}

async function written(path: string, from: number): Promise<string> {
  using file = await Deno.open(path);
  await file.seek(from, Deno.SeekMode.Start);
  const bytes = new Uint8Array(MAX_LAST_WORDS);
  const count = await file.read(bytes) ?? 0;
  return new TextDecoder().decode(bytes.subarray(0, count));
}
