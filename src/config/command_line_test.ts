import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { splitCommandLine } from "./command_line.ts";

function words(line: string): readonly string[] {
  const split = splitCommandLine(line);
  assert.equal(split.kind, "words", `${JSON.stringify(line)} was left for a shell`);
  return split.kind === "words" ? split.words : [];
}

Deno.test("splitCommandLine splits at blanks and drops them at both ends", () => {
  assert.deepEqual(words("  npx\t-y   some-server \n"), ["npx", "-y", "some-server"]);
  assert.deepEqual(words(""), []);
});

Deno.test("splitCommandLine keeps quoted text together and joins adjacent pieces", () => {
  assert.deepEqual(words(`a 'b c' "d e" f'g'"h"i`), ["a", "b c", "d e", "fghi"]);
  assert.deepEqual(words(`a '' ""`), ["a", "", ""]);
  assert.deepEqual(words(`'$HOME * | #' "* | ~ #"`), ["$HOME * | #", "* | ~ #"]);
});

Deno.test("splitCommandLine takes backslashes as a shell does", () => {
  assert.deepEqual(words(String.raw`a\ b \$c \'d`), ["a b", "$c", "'d"]);
  assert.deepEqual(words(String.raw`"\$a \"b\" \\ \c"`), [String.raw`$a "b" \ \c`]);
  assert.deepEqual(words(String.raw`'a\b'`), [String.raw`a\b`]);
  assert.deepEqual(words('a\\\nb \\\n "c\\\nd" "e\\\\\nf"'), ["ab", "cd", "e\\\nf"]);
});

Deno.test("splitCommandLine keeps what only looks special", () => {
  assert.deepEqual(words("x#y a=b c~d e}f g]h !i j! k^l m%n"), [
    ..."x#y a=b c~d e}f g]h !i j! k^l m%n".split(" "),
  ]);
  assert.deepEqual(words(`"A"=b c`), ["A=b", "c"]);
});

Deno.test("splitCommandLine leaves a line to a shell when it has anything to act on", () => {
  const lines = [
    ...["a | b", "a || b", "a && b", "a & b", "a; b", "a > b", "a 2>b", "a < b", "(a)", "a )", "a\nb"],
    ...["a $B", 'a "$B"', "a ${B}", "a $(b)", 'a "x $(b)"', "a `b`", 'a "`b`"', "a $'b'"],
    ...["a *", "a b?", "a [b]", "a {b,c}", "~/a", "a ~", "a \\\n~"],
    ...["A=b c", "A+=b c", "a #b", "# a", "! a", "{ a", "if a", "exec a", "cd a", ". a", "export A", "a\\"],
  ];
  for (const line of lines) assert.equal(splitCommandLine(line).kind, "shell", JSON.stringify(line));
});

Deno.test("splitCommandLine refuses a quote that is never closed and says where it is", () => {
  for (const line of [`foo 'bar`, `foo "bar`, `foo "bar\\`, `foo "bar\\"`]) {
    assert.throws(() => splitCommandLine(line), (error: unknown) => {
      assert(error instanceof ConfigError);
      assert.match(error.message, /^--stdio: the quote ['"] at character 5 is never closed/);
      return true;
    });
  }
});

Deno.test("splitCommandLine undoes single quotes around any text", () => {
  const random = randomFrom(newSeed());
  for (let round = 0; round < 500; round++) {
    const texts = Array.from({ length: 1 + random(4) }, () => randomText(random, 12));
    const quoted = texts.map((text) => `'${text.replaceAll("'", String.raw`'\''`)}'`);
    assert.deepEqual(words(`printf ${quoted.join(" ")}`), ["printf", ...texts]);
  }
});

Deno.test({
  name: "splitCommandLine gives the words that a real shell gives, on generated lines",
  ignore: Deno.build.os === "windows", // there is no sh to compare with
  async fn() {
    const random = randomFrom(newSeed());
    for (let compared = 0; compared < 200;) {
      compared += await compareWithShell(randomText(random, 24)) ? 1 : 0;
    }
  },
});

/** False when there is nothing to compare, since the line is for a shell anyway; such a line is not run. */
async function compareWithShell(line: string): Promise<boolean> {
  const mine = wordsOrFault(line);
  if (mine === "shell") return false;
  assert.deepEqual(mine, await shellWords(line) ?? "fault", JSON.stringify(line));
  return true;
}

function wordsOrFault(line: string): readonly string[] | "shell" | "fault" {
  try {
    const split = splitCommandLine(`printf ${line}`);
    return split.kind === "words" ? split.words.slice(1) : "shell";
  } catch (error) {
    assert(error instanceof ConfigError);
    return "fault";
  }
}

/** The words of a line as sh sees them; undefined when it refuses the line. */
async function shellWords(line: string): Promise<string[] | undefined> {
  const script = `printf '%s\\0' first ${line.replace(/\n+$/, "")}`;
  const command = new Deno.Command("sh", { args: ["-c", script], cwd: "/", stdin: "null", stderr: "null" });
  const { success, stdout } = await command.output();
  return success ? new TextDecoder().decode(stdout).split("\0").slice(1, -1) : undefined;
}

const SIGNS = [..."ab1 \t\n'\"\\#=~!x-.,:/@%^+]}é$*|", " ", " ", "'", '"', "\\"];

function randomText(random: (below: number) => number, maxLength: number): string {
  return Array.from({ length: random(maxLength) }, () => SIGNS[random(SIGNS.length)]).join("");
}

function newSeed(): number {
  const seed = Number(Deno.env.get("SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);
  // deno-lint-ignore no-console -- with the printed seed a failure can be repeated
  console.info(`SEED=${seed}`);
  return seed;
}

/** A linear congruential generator: small, and the same on every machine. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}
