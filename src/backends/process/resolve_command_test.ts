import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { resolveCommand } from "./resolve_command.ts";

/** A folder with some files, for as long as the test runs. */
interface Folder extends AsyncDisposable {
  readonly path: string;
}

const EXECUTABLE = 0o755;
const PLAIN = 0o644;

async function folder(files: Record<string, number>): Promise<Folder> {
  const path = await Deno.makeTempDir();
  for (const [name, mode] of Object.entries(files)) {
    await Deno.mkdir(join(path, name, ".."), { recursive: true });
    await Deno.writeTextFile(join(path, name), "#!/bin/sh\n");
    await Deno.chmod(join(path, name), mode);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function posixTest(name: string, fn: () => Promise<void>): void {
  // Windows knows no mode bits, and finds programs by their ending.
  Deno.test({ name, fn, ignore: Deno.build.os === "windows" });
}

function refuses(program: string, options: Parameters<typeof resolveCommand>[1], why: RegExp): void {
  assert.throws(() => resolveCommand(program, options), (error) => {
    assert(error instanceof ConfigError);
    assert(error.message.startsWith(`command ${JSON.stringify(program)} not found: `), error.message);
    assert.match(error.message, why);
    return true;
  });
}

posixTest("resolveCommand takes the first folder of PATH that has the program", async () => {
  await using first = await folder({ other: EXECUTABLE });
  await using second = await folder({ tool: EXECUTABLE });
  await using third = await folder({ tool: EXECUTABLE });
  const path = ["", "/nowhere", first.path, second.path, third.path].join(delimiter);
  assert.equal(resolveCommand("tool", { path }), join(second.path, "tool"));
});

posixTest(
  "resolveCommand passes by what cannot be executed: a plain file, a folder, a file for a folder",
  async () => {
    await using plain = await folder({ tool: PLAIN });
    await using nested = await folder({ "tool/inside": EXECUTABLE });
    await using good = await folder({ tool: EXECUTABLE });
    const path = [plain.path, nested.path, join(plain.path, "tool"), good.path].join(delimiter);
    assert.equal(resolveCommand("tool", { path }), join(good.path, "tool"));
  },
);

posixTest("resolveCommand follows links, and passes by those that lead nowhere", async () => {
  await using broken = await folder({});
  await using circle = await folder({});
  await using good = await folder({ real: EXECUTABLE });
  await Deno.symlink("/nowhere/at/all", join(broken.path, "tool"));
  await Deno.symlink("tool", join(circle.path, "tool"));
  await Deno.symlink("real", join(good.path, "tool"));
  const path = [broken.path, circle.path, good.path].join(delimiter);
  assert.equal(resolveCommand("tool", { path }), join(good.path, "tool"));
});

posixTest("resolveCommand looks in the PATH of the process when it is given none", () => {
  assert.match(resolveCommand("sh"), /^\/.*\/sh$/);
  return Promise.resolve();
});

posixTest("resolveCommand counts a relative path from the child's working directory", async () => {
  await using place = await folder({ tool: EXECUTABLE, "bin/tool": EXECUTABLE });
  const cwd = place.path;
  assert.equal(resolveCommand("./tool", { cwd }), join(cwd, "tool"));
  assert.equal(resolveCommand("bin/tool", { cwd }), join(cwd, "bin/tool"));
  assert.equal(resolveCommand("tool", { cwd, path: "bin" }), join(cwd, "bin/tool"));
  // Without a slash it is a name, and the working directory is not searched for names.
  refuses("tool", { cwd, path: "" }, /it is not in PATH/);
});

posixTest("resolveCommand takes an absolute path as it is", async () => {
  await using place = await folder({ tool: EXECUTABLE, plain: PLAIN });
  assert.equal(resolveCommand(join(place.path, "tool"), { path: "", cwd: "/" }), join(place.path, "tool"));
  refuses(join(place.path, "plain"), {}, /there is no such executable file/);
  refuses(join(place.path, "missing"), {}, /there is no such executable file/);
});

posixTest("resolveCommand refuses what is nowhere, or nowhere executable", async () => {
  await using place = await folder({ plain: PLAIN });
  refuses("no-such-program", { path: place.path }, /it is not in PATH/);
  refuses("plain", { path: place.path }, /it is not in PATH/);
  refuses("./plain", { cwd: place.path }, /there is no such executable file/);
});

posixTest("resolveCommand refuses a name that no file can have", async () => {
  await using place = await folder({});
  refuses("x".repeat(5_000), { path: place.path }, /it is not in PATH/);
});
