import assert from "node:assert/strict";
import { dirname } from "node:path";
import { printedBy } from "../../tests/support/programs.ts";
import { ROOT, runDeno } from "../run_deno.ts";
import { changelog } from "./changelog.ts";
import { git } from "./git.ts";
import { ShipError } from "./ship_error.ts";

const hasGit = await printedBy("git", "--version") !== undefined;
const NAME = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];

Deno.test({
  name: "changelog groups the commits since the tag before by what they change (needs git)",
  ignore: !hasGit,
  async fn() {
    await using repository = await Repository.create();
    await repository.commit("Serve one more wire", ["src/wire.ts", "docs/wire.md"]);
    await repository.tag("v1.0.0");
    await repository.commit("Say what a wire is", ["docs/wire.md"]);
    await repository.commit("Test the other wire", ["src/wire_test.ts", "tests/wire.ts"]);
    await repository.commit("Build for <one> *more* system", ["scripts/compile.ts", "scripts/ship/pack.ts"]);
    await repository.tag("nightly");
    await repository.commit("End with code 2", ["src/main.ts", "tests/wire.ts"]);
    await repository.commit("Release nothing", []);
    await repository.tag("v1.1.0");
    assert.equal(
      await changelog("v1.1.0", repository.folder),
      `Changes since v1.0.0.

## The program

- End with code 2

## Installing and releasing

- Build for <one> *more* system

## Documentation

- Say what a wire is

## Tests and tools

- Release nothing
- Test the other wire
`,
    );
    assert.equal(
      await changelog("v1.0.0", repository.folder),
      "The first release.\n\n## The program\n\n- Serve one more wire\n",
    );
  },
});

Deno.test({
  name: "changelog leaves out merges, and keeps what they bring (needs git)",
  ignore: !hasGit,
  async fn() {
    await using repository = await Repository.create();
    await repository.commit("Begin", ["main.ts"]);
    await repository.run("checkout", "--quiet", "-b", "side");
    await repository.commit("Bring it", ["src/it.ts"]);
    await repository.run("checkout", "--quiet", "-");
    await repository.commit("Go on", ["src/other.ts"]);
    await repository.run("merge", "--quiet", "--no-ff", "-m", "Merge it", "side");
    const text = await changelog("HEAD", repository.folder);
    assert.match(text, /- Bring it\n/);
    assert.doesNotMatch(text, /Merge it/);
  },
});

Deno.test({
  name:
    "changelog of a release has what its previews had, and that of a preview what came since the one before (needs git)",
  ignore: !hasGit,
  async fn() {
    await using repository = await Repository.create();
    const tagged = async (subject: string, tag: string) => {
      await repository.commit(subject, ["src/it.ts"]);
      await repository.tag(tag);
    };
    await tagged("Begin", "v1.0.0");
    await tagged("Try", "v1.1.0-rc.1");
    await tagged("Try again", "v1.1.0-rc.2");
    await tagged("Mend", "v1.1.0");
    const subjects = async (tag: string) =>
      [...(await changelog(tag, repository.folder)).matchAll(/^- (.*)$/gm)].map(([, subject]) => subject);
    assert.deepEqual(await subjects("v1.1.0"), ["Mend", "Try again", "Try"]);
    assert.deepEqual(await subjects("v1.1.0-rc.2"), ["Try again"]);
  },
});

Deno.test({
  name: "changelog refuses what is no revision, also where it looks like an option (needs git)",
  ignore: !hasGit,
  async fn() {
    await using repository = await Repository.create();
    await repository.commit("Begin", ["main.ts"]);
    for (const revision of ["v9.9.9", "--all"]) {
      await assert.rejects(
        changelog(revision, repository.folder),
        new ShipError(
          `Unknown revision "${revision}": expected a tag, a branch or a commit of this repository`,
        ),
      );
    }
  },
});

Deno.test({
  name: "changelog.ts tells a wrong revision in one line (needs git)",
  ignore: !hasGit,
  async fn() {
    const { code, stdout, stderr } = await runDeno([
      "run",
      "-A",
      `${ROOT}/scripts/ship/changelog.ts`,
      "v0.0.0",
    ]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^Unknown revision "v0\.0\.0": [^\n]+\n$/);
  },
});

/** A repository of its own, in which commits are made one after the other. */
class Repository implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Repository> {
    const repository = new Repository(await Deno.makeTempDir({ prefix: "keystone-changelog-" }));
    await repository.run("init", "--quiet");
    return repository;
  }

  async commit(subject: string, paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await Deno.mkdir(dirname(`${this.folder}/${path}`), { recursive: true });
      await Deno.writeTextFile(`${this.folder}/${path}`, `${subject}\n`);
    }
    await this.run("add", "--all");
    await this.run("commit", "--quiet", "--allow-empty", "-m", subject);
  }

  async tag(name: string): Promise<void> {
    await this.run("tag", name);
  }

  async run(...args: readonly string[]): Promise<void> {
    await git([...NAME, ...args], this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
