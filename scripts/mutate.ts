// deno-lint-ignore-file no-console -- a script reports to the terminal
/**
 * Breaks the routing of messages, one line at a time, in a copy of the checkout: a test has to notice each time.
 * `deno task mutate` takes some minutes; with words, such as `deno task mutate progress`, only what they are found in is
 * broken.
 */
import { type Mutation, MUTATIONS } from "./mutations.ts";
import { DEV_CONFIG, ROOT } from "./run_deno.ts";

/** Tests that hang have noticed as well. */
const TEST_TIMEOUT_MS = 180_000;
const NOT_COPIED = new Set([".git", "dist", ".bench", "node_modules"]);

/** What a mutation looks for is not there, or the tests fail without it. */
export class MutateError extends Error {
  override name = "MutateError";
}

/** Returns the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  const chosen = MUTATIONS.filter(({ harm, file }) =>
    words.every((word) => `${harm} ${file}`.includes(word))
  );
  const copy = await Deno.makeTempDir({ prefix: "keystone-mutate-" });
  try {
    await copyFolder(ROOT, copy);
    await prove(copy, chosen);
    const unnoticed = await breakEach(copy, chosen);
    console.log(`${chosen.length - unnoticed.length} of ${chosen.length} were noticed`);
    return chosen.length > 0 && unnoticed.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof MutateError)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

/** A test that fails anyway notices nothing. */
async function prove(copy: string, mutations: readonly Mutation[]): Promise<void> {
  for (const mutation of mutations) mutated(await Deno.readTextFile(`${copy}/${mutation.file}`), mutation);
  const tests = [...new Set(mutations.flatMap(({ tests }) => tests))];
  if (tests.length > 0 && !await passes(copy, tests)) {
    throw new MutateError(`The tests fail before anything is broken: ${tests.join(" ")}`);
  }
}

async function breakEach(copy: string, mutations: readonly Mutation[]): Promise<Mutation[]> {
  const unnoticed: Mutation[] = [];
  for (const mutation of mutations) {
    const by = await noticedBy(copy, mutation);
    if (by === undefined) unnoticed.push(mutation);
    console.log(`${by === undefined ? "UNNOTICED" : "noticed"}: ${mutation.harm} (${by ?? mutation.file})`);
  }
  return unnoticed;
}

/** The test file that failed, or undefined. */
async function noticedBy(copy: string, mutation: Mutation): Promise<string | undefined> {
  const path = `${copy}/${mutation.file}`;
  const whole = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, mutated(whole, mutation));
  try {
    for (const test of mutation.tests) if (!await passes(copy, [test])) return test;
    return undefined;
  } finally {
    await Deno.writeTextFile(path, whole);
  }
}

/** Throws MutateError unless what is looked for stands there exactly once. */
export function mutated(text: string, { search, replace, file }: Mutation): string {
  const count = text.split(search).length - 1;
  if (count === 1) return text.replace(search, () => replace);
  throw new MutateError(`Expected once, but found ${count} times in ${file}: ${search}`);
}

/** Types are not checked: it is a test that has to notice, and not the compiler. */
async function passes(copy: string, tests: readonly string[]): Promise<boolean> {
  const signal = AbortSignal.timeout(TEST_TIMEOUT_MS);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--config", DEV_CONFIG, "--no-check", "--parallel", "--fail-fast", ...tests],
    cwd: copy,
    stdin: "null",
    signal,
  }).output();
  return success;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (NOT_COPIED.has(name)) continue;
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
