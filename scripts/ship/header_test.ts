/** The shell header, with a script in the place of Deno: what it does is the same, and takes no second. */
import assert from "node:assert/strict";
import { RUN_FLAGS } from "../compile.ts";
import { PackedFile, SELF_EXTRACTS, TOOLS } from "../../tests/support/packed_file.ts";
import { CAN_BECOME_ANOTHER } from "../../tests/support/poor_user.ts";
import { printedBy } from "../../tests/support/programs.ts";

/** Tells how it was started, and what it reads. Its last line is more than a small disk can hold. */
const STAND_IN = `#!/bin/sh
[ "$1" = --version ] && exit
printf '%s\\n' "pid $$" "command $KEYSTONE_COMMAND" "in $PWD"
for word in "$@"; do printf 'word %s\\n' "$word"; done
export -p | while read -r line; do printf 'set %s\\n' "$line"; done
while read -r line; do printf 'read %s\\n' "$line"; done
exit 7
# ${crypto.getRandomValues(new Uint8Array(60_000)).toBase64()}
`;
const OTHER_USER = 54_321;
const AS_OTHER = ["setpriv", "--reuid", `${OTHER_USER}`, "--regid", `${OTHER_USER}`, "--clear-groups"];
/** Hides it from one process. */
const WITHOUT_PROC = [
  ...["/usr/bin/env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "unshare", "--mount"],
  ...["/bin/sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"],
];
const CAN_BE_WITHOUT_PROC = Deno.build.os === "linux" &&
  await printedBy(WITHOUT_PROC[0]!, ...WITHOUT_PROC.slice(1), "/bin/true") !== undefined;
const DEAD = "2147483646"; // no system has so many processes
const WHOLE = /^v1\.0\.0-[0-9a-f]{8} deno keystone\.js$/;

/** Registers a test of a file that is packed with the stand-in. */
function test(name: string, fn: (file: PackedFile) => Promise<void>, ignore = false): void {
  Deno.test({
    name: `the header ${name} (needs Linux or macOS)`,
    ignore: ignore || !SELF_EXTRACTS,
    async fn() {
      const source = await Deno.makeTempDir();
      await using _source = { [Symbol.asyncDispose]: () => Deno.remove(source, { recursive: true }) };
      const [deno, bundle] = [`${source}/deno`, `${source}/keystone.js`];
      await Deno.writeTextFile(deno, STAND_IN, { mode: 0o755 });
      await Deno.writeTextFile(bundle, "// the program\n");
      await using file = await PackedFile.create({ deno, bundle });
      await fn(file);
    },
  });
}

function told(stdout: string, what: string): string[] {
  return stdout.split("\n").filter((line) => line.startsWith(`${what} `)).map((line) =>
    line.slice(what.length + 1)
  );
}

/** It has started the program, and said nothing. */
async function assertStarts(file: PackedFile, options: Parameters<PackedFile["run"]>[1] = {}) {
  const ended = await file.run([], options);
  assert.deepEqual([ended.stderr, ended.code], ["", 7]);
  return ended;
}

async function assertFails(file: PackedFile, stderr: string, options: Parameters<PackedFile["run"]>[1] = {}) {
  const ended = await file.run([], options);
  assert.deepEqual(ended, { code: 1, signal: null, stdout: "", stderr: `keystone: ${stderr}\n` });
}

async function copyIn(file: PackedFile): Promise<string> {
  const [entry = ""] = await file.cached();
  assert.match(entry, WHOLE);
  return `${file.cache}/${entry.split(" ")[0]}`;
}

test("hands on words, stdin, exit code and folder as they are, and tells by what it was started", async (file) => {
  const link = `${file.folder}/a link`;
  await Deno.symlink("keystone", link);
  const words = ["", "a b", "*", "--x=$HOME", "'"];
  const options = { path: link, cwd: file.home, stdin: "1\n2\n" };
  for (const _start of ["first", "later"]) {
    const { code, stdout, stderr } = await file.run(words, options);
    assert.deepEqual([stderr, code], ["", 7]);
    const program = `${await copyIn(file)}/keystone.js`;
    assert.deepEqual(told(stdout, "word"), ["run", ...RUN_FLAGS, program, ...words]);
    assert.deepEqual(told(stdout, "read"), ["1", "2"]);
    assert.deepEqual([told(stdout, "command"), told(stdout, "in")], [[link], [file.home]]);
  }
});

test("tells its absolute path when it was started by a relative one", async (file) => {
  const { stdout } = await file.run([], { cwd: file.folder, launcher: ["/bin/sh"], path: "keystone" });
  assert.deepEqual(told(stdout, "command"), [file.path]);
});

test("becomes the program: the process that was started", async (file) => {
  const child = file.spawn([]);
  const { stdout } = await child.output();
  assert.deepEqual(told(new TextDecoder().decode(stdout), "pid"), [`${child.pid}`]);
});

test("tells that the folder is gone that it was started in", async (file) => {
  const gone = `${file.folder}/gone`;
  await Deno.mkdir(gone);
  const launcher = ["/bin/sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh"];
  const { code, stderr } = await file.run([], { cwd: gone, launcher });
  assert.equal(code, 1);
  // The shell has a word of its own for it, in front.
  assert.match(stderr, /keystone: the folder that it was started in is not there any more\n$/);
  await assert.rejects(Deno.stat(file.cache), Deno.errors.NotFound);
});

test("changes no variable of the user's", async (file) => {
  const env = { tool: "1", line: "2", cache: "3", version: "4", IFS: "x" };
  const { stdout } = await assertStarts(file, { env });
  const exported = told(stdout, "set").join("\n");
  for (const [name, value] of Object.entries({ ...env, HOME: file.home, PATH: file.tools })) {
    if (name !== "IFS") assert.match(exported, new RegExp(`\\b${name}=(['"]?)${value}\\1(\\n|$)`)); // no shell takes that one
  }
  assert.doesNotMatch(exported, /\bks_/);
});

test("unpacks once: a later start wants none of the tools for that", async (file) => {
  await assertStarts(file);
  const few = await file.toolsWith({ tar: undefined, gzip: undefined, tail: undefined, mktemp: undefined });
  await assertStarts(file, { env: { PATH: few } });
  assert.equal((await file.cached()).length, 1);
});

test("unpacks again what was cut short, written to, taken away or made unusable", async (file) => {
  await assertStarts(file);
  const copy = await copyIn(file);
  const damages = [
    () => Deno.truncate(`${copy}/deno`, 10),
    () => Deno.truncate(`${copy}/keystone.js`, 3),
    () => Deno.writeTextFile(`${copy}/keystone.js`, "// THE PROGRAM\n"), // as long as before
    () => Deno.chmod(`${copy}/deno`, 0o600),
    () => Deno.remove(`${copy}/deno`),
    () => Deno.remove(copy, { recursive: true }),
    async () => {
      await Deno.remove(`${copy}/deno`);
      await Deno.mkdir(`${copy}/deno`);
    },
  ];
  for (const damage of damages) {
    await damage();
    await assertStarts(file);
    assert.deepEqual([await Deno.readTextFile(`${copy}/keystone.js`), await file.cached()], [
      "// the program\n",
      [`${copy.split("/").at(-1)} deno keystone.js`],
    ]);
    assert.equal(await Deno.readTextFile(`${copy}/deno`), STAND_IN);
  }
});

test("leaves in place what somebody has put there while it unpacked", async (file) => {
  await assertStarts(file);
  const copy = await copyIn(file);
  const quicker = `${file.folder}/quicker`;
  await Deno.rename(copy, quicker);
  const ln = await Deno.realPath(`${file.tools}/ln`);
  // His process would lose its executable if another took its place.
  const PATH = await file.toolsWith({ ln: `${ln} "${quicker}/\${2##*/}" "$2"; exec ${ln} "$@"` });
  await assertStarts(file, { env: { PATH } });
  for (const name of ["deno", "keystone.js"]) {
    assert.equal((await Deno.stat(`${copy}/${name}`)).ino, (await Deno.stat(`${quicker}/${name}`)).ino);
  }
});

test("unpacks on a file system without links", async (file) => {
  await assertStarts(file, { env: { PATH: await file.toolsWith({ ln: "exit 1" }) } });
  await copyIn(file);
});

test("takes KEYSTONE_CACHE, XDG_CACHE_HOME, HOME and a temporary folder, in this order", async (file) => {
  const KEYSTONE_CACHE = `${file.folder}/a/b c`;
  const XDG_CACHE_HOME = `${file.folder}/xdg`;
  const nowhere = { HOME: "/dev/null" };
  const cases: [Record<string, string>, string][] = [
    [{ KEYSTONE_CACHE, XDG_CACHE_HOME }, KEYSTONE_CACHE],
    [{ KEYSTONE_CACHE: "a/relative" }, `${file.folder}/a/relative`],
    [{ XDG_CACHE_HOME, HOME: "" }, `${XDG_CACHE_HOME}/keystone`],
    [{ XDG_CACHE_HOME: "relative" }, file.cache],
    [nowhere, `${file.temporary}/keystone-${Deno.uid()}`],
    [{ HOME: "" }, `${file.temporary}/keystone-${Deno.uid()}`],
  ];
  for (const [env, cache] of cases) {
    await assertStarts(file, { env, cwd: file.folder });
    assert.match((await file.cached(cache)).join(), WHOLE);
    assert.equal((await Deno.stat(cache)).mode! & 0o077, "KEYSTONE_CACHE" in env ? 0o055 : 0);
    await Deno.remove(cache, { recursive: true });
  }
});

test("gives Deno a cache where there is no home, and only there", async (file) => {
  const ofDeno = async (env: Record<string, string>) =>
    told((await assertStarts(file, { env })).stdout, "set").filter((line) => line.includes("DENO_DIR"))
      .join();
  assert.equal(await ofDeno({}), "");
  assert.match(await ofDeno({ HOME: "" }), /keystone-\d+\/deno-dir/);
  assert.match(await ofDeno({ HOME: "", DENO_DIR: "/mine" }), /=['"]?\/mine/);
});

test("refuses a KEYSTONE_CACHE that somebody else can change, itself or a folder above", async (file) => {
  const [above, cache] = [`${file.folder}/open`, `${file.folder}/open/cache`];
  await Deno.mkdir(cache, { recursive: true });
  for (const open of [above, cache]) {
    await Deno.chmod(open, 0o777);
    const why = `${open} can be changed by somebody else; set it to a folder of your own`;
    await assertFails(file, `cannot use KEYSTONE_CACHE ${cache}: ${why}`, { env: { KEYSTONE_CACHE: cache } });
    await Deno.chmod(open, 0o700);
  }
  assert.deepEqual(await file.cached(cache), []);
});

test("refuses files of its copy that somebody else can change", async (file) => {
  await assertStarts(file);
  const copy = await copyIn(file);
  for (const path of [copy, `${copy}/deno`, `${copy}/keystone.js`]) {
    const { mode } = await Deno.stat(path);
    await Deno.chmod(path, 0o757);
    const { code, stdout, stderr } = await file.run([]);
    assert.equal(stderr, `keystone: does not use ${file.cache}: ${path} can be changed by somebody else\n`);
    assert.equal(code, 7);
    assert.match(told(stdout, "word").join(), new RegExp(`,${file.temporary}/keystone-\\d+/v`));
    await Deno.chmod(path, mode! & 0o777);
  }
});

test("does not follow a link in the place of its copy", async (file) => {
  await assertStarts(file);
  const copy = await copyIn(file);
  await Deno.rename(copy, `${file.folder}/planted`);
  await Deno.symlink(`${file.folder}/planted`, copy);
  assert.match((await file.run([])).stderr, /does not use .* can be changed by somebody else\n$/);
});

test("takes nothing that belongs to another user; needs root", async (file) => {
  await assertStarts(file);
  const copy = await copyIn(file);
  for (const path of [file.cache, copy, `${copy}/deno`]) {
    await Deno.chown(path, OTHER_USER, null);
    const { stderr } = await file.run([]);
    assert.equal(stderr, `keystone: does not use ${file.cache}: ${path} can be changed by somebody else\n`);
    await Deno.chown(path, 0, null);
  }
}, !CAN_BECOME_ANOTHER);

test(
  "lets everybody use what root has unpacked in KEYSTONE_CACHE, and nobody change it; needs root",
  async (file) => {
    const cache = `${file.folder}/shared`;
    await Deno.chmod(file.folder, 0o755);
    await Deno.chmod(file.tools, 0o755);
    await assertStarts(file, { env: { KEYSTONE_CACHE: cache } });
    const before = await file.cached(cache);
    const few = await file.toolsWith({ tar: undefined, setpriv: undefined });
    await Deno.chmod(few, 0o755);
    const launcher = [await whereIs("setpriv"), ...AS_OTHER.slice(1)];
    await assertStarts(file, { env: { KEYSTONE_CACHE: cache, HOME: "", PATH: few }, launcher });
    assert.deepEqual(await file.cached(cache), before);
  },
  !CAN_BECOME_ANOTHER,
);

test("unpacks into a temporary folder when the home cannot be written to; needs root", async (file) => {
  await Deno.chmod(file.folder, 0o755);
  await Deno.chmod(file.tools, 0o755);
  await Deno.chmod(file.home, 0o755);
  await Deno.chmod(file.temporary, 0o1777);
  const launcher = [await whereIs("setpriv"), ...AS_OTHER.slice(1)];
  await assertStarts(file, { launcher });
  const cache = `${file.temporary}/keystone-${OTHER_USER}`;
  assert.match((await file.cached(cache)).join(), WHOLE);
  // Root does not take it for its own.
  await Deno.rename(cache, `${file.temporary}/keystone-0`);
  const why = `${file.temporary}/keystone-0 can be changed by somebody else`;
  await assertFails(
    file,
    `found no folder to unpack into, ${file.temporary}/keystone-0 neither: ${why}; set KEYSTONE_CACHE to a folder of your own`,
    { env: { HOME: "/dev/null" } },
  );
}, !CAN_BECOME_ANOTHER);

test("removes copies of other versions that no process uses, and nothing else", async (file) => {
  const old = async (name: string, mark?: string) => {
    await Deno.mkdir(`${file.cache}/${name}`, { recursive: true, mode: 0o700 });
    for (const each of ["deno", "keystone.js", ...mark === undefined ? [] : [`used-by-${mark}`]]) {
      await Deno.writeTextFile(`${file.cache}/${name}/${each}`, "");
    }
  };
  await old("v0.8.0-00000000");
  await old("v0.9.0-0123abcd", DEAD);
  await old("v0.9.1-0123abcd", `${Deno.pid}`);
  await old("v0.9.1-mine");
  await Deno.writeTextFile(`${file.cache}/v0.9.2-0123abcd`, "a file of the user's");
  await assertStarts(file);
  const [used, users, kept, own] = await file.cached();
  assert.deepEqual(
    [used, users, kept],
    ["v0.9.1-0123abcd deno keystone.js", "v0.9.1-mine deno keystone.js", "v0.9.2-0123abcd"],
  );
  assert.match(own ?? "", WHOLE);
});

test("marks what it uses, and takes away the marks of processes that have ended", async (file) => {
  await assertStarts(file);
  const copy = await copyIn(file);
  const [pid] = told((await assertStarts(file)).stdout, "pid");
  const marks = (await Array.fromAsync(Deno.readDir(copy))).map(({ name }) => name).filter((name) =>
    name.startsWith("used-by-")
  );
  assert.deepEqual(marks, [`used-by-${pid}`]);
});

test("says what it is that is not on the PATH", async (file) => {
  for (const tool of TOOLS) {
    const PATH = await file.toolsWith({ [tool]: undefined });
    await assertFails(file, `cannot unpack itself: ${tool} is not on the PATH`, { env: { PATH } });
  }
  const PATH = await file.toolsWith({ sha256sum: undefined, shasum: undefined, cksum: undefined });
  await assertFails(file, "cannot unpack itself: sha256sum is not on the PATH", { env: { PATH } });
  await assertNothingLeft(file);
});

test("checks what it unpacked by any of three tools", async (file) => {
  const digests = ["sha256sum", "shasum", "cksum"];
  for (const tool of await Array.fromAsync(Deno.readDir(file.tools), ({ name }) => name)) {
    if (!digests.includes(tool)) continue;
    const others = Object.fromEntries(
      digests.filter((name) => name !== tool).map((name) => [name, undefined]),
    );
    const PATH = await file.toolsWith(others);
    await assertStarts(file, { env: { PATH } });
    await Deno.remove(file.cache, { recursive: true });
    const wrong = await file.toolsWith({ ...others, [tool]: "while read -r _; do :; done; echo 12 34" });
    await assertFails(file, `${file.path} is damaged: what it holds has another digest; get it again`, {
      env: { PATH: wrong },
    });
  }
});

test("says that the libc is musl", async (file) => {
  const PATH = await file.toolsWith({ ldd: "echo 'musl libc (x86_64)' >&2; exit 1" });
  await assertFails(file, "needs glibc, and the libc of this system is musl: use a system with glibc", {
    env: { PATH },
  });
}, Deno.build.os !== "linux");

test("says that there is no /proc; needs root and unshare", async (file) => {
  await assertFails(file, "needs /proc, which is not mounted", { launcher: WITHOUT_PROC });
}, !CAN_BE_WITHOUT_PROC);

test("says that the machine is another", async (file) => {
  const PATH = await file.toolsWith({ uname: "echo Plan9 mips" });
  const system = `${Deno.build.os === "linux" ? "Linux" : "macOS"} ${
    Deno.build.arch === "x86_64" ? "x64" : "arm64"
  }`;
  await assertFails(file, `this file is for ${system}, and this machine is Plan9 mips`, { env: { PATH } });
});

test("says that the file was cut short or damaged", async (file) => {
  const { size } = await Deno.stat(file.path);
  const bytes = await Deno.readFile(file.path);
  bytes.fill(0, size - 2_000);
  await Deno.writeFile(file.path, bytes);
  const { code, stdout, stderr } = await file.run([]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^keystone: .+\n$/);
  await Deno.truncate(file.path, size - 1_000);
  await assertFails(
    file,
    `${file.path} is not whole: it has ${size - 1_000} of ${size} bytes; get it again`,
  );
  await assertNothingLeft(file);
});

test("leaves nothing behind when the disk takes no more", async (file) => {
  // A limit to the size of files, met by an error as a full disk is, stands for the disk.
  const limited = ["/bin/sh", "-c", `trap '' XFSZ; ulimit -f 40; exec "$@"`, "sh"];
  const { code, stdout, stderr } = await file.run([], { launcher: limited });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^keystone: cannot unpack into \/.*\n$/);
  assert.equal(stderr.includes(`${file.cache}: `), true);
  await assertNothingLeft(file);
});

test("says that the executable does not run", async (file) => {
  // As on a file system that is mounted with noexec.
  const tar = `${await Deno.realPath(
    `${file.tools}/tar`,
  )} "$@"; for last in "$@"; do :; done; : > "$last/../../../../gone"`;
  const PATH = await file.toolsWith({
    tar: `${tar}; chmod 600 "$last/deno"`,
    chmod: `exec ${await whereIs("chmod")} "$@"`,
  });
  const { code, stdout, stderr } = await file.run([], { env: { PATH } });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^keystone: its Deno for .* does not run from .* on this machine: .*\n$/);
  await assertNothingLeft(file);
});

/** A tar that writes one file and signals who unpacks: the folder is named by the process. */
async function tarThatSends(file: PackedFile, signal: string): Promise<string> {
  return await file.toolsWith({
    tar: `for last in "$@"; do :; done
: >"$last/deno"
name=\${last##*/.unpacking.}
kill -s ${signal} "\${name%.*}"`,
  });
}

test("leaves nothing behind when it is ended while it unpacks", async (file) => {
  for (const signal of ["TERM", "INT", "HUP"] as const) {
    const ended = await file.run([], { env: { PATH: await tarThatSends(file, signal) } });
    assert.deepEqual(ended, { code: ended.code, signal: `SIG${signal}`, stdout: "", stderr: "" });
    await assertNothingLeft(file);
  }
});

test("takes away what a killed one left", async (file) => {
  const { signal } = await file.run([], { env: { PATH: await tarThatSends(file, "KILL") } });
  assert.equal(signal, "SIGKILL");
  assert.match((await file.cached()).join(), /^\.unpacking\./);
  await assertStarts(file);
  assert.match((await file.cached()).join(), WHOLE);
});

Deno.test({
  name: "shellcheck has nothing to say of the header (needs shellcheck)",
  ignore: await printedBy("shellcheck", "--version") === undefined,
  async fn() {
    const { success, stdout } = await new Deno.Command("shellcheck", {
      args: [new URL("header.sh", import.meta.url).pathname],
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "");
    assert(success);
  },
});

async function assertNothingLeft(file: PackedFile): Promise<void> {
  const left = await file.cached().catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return [];
  });
  assert.deepEqual(left, []);
}

async function whereIs(program: string): Promise<string> {
  const { stdout } = await new Deno.Command("/bin/sh", { args: ["-c", `command -v ${program}`] }).output();
  return new TextDecoder().decode(stdout).trim();
}
