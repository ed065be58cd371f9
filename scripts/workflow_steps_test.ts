/** The scripts in the release workflow that decide something, run here: with what publishes stood in for by what tells its arguments. */
import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { parse } from "yaml";
import { printedBy } from "../tests/support/programs.ts";
import { ROOT } from "./run_deno.ts";
import { VERSION } from "./ship/release_version.ts";

/** That of the runner; macOS has an older one. */
const hasBash = Number(await printedBy("bash", "-c", "echo ${BASH_VERSINFO[0]}")) >= 4;
const hasHistory = await printedBy("git", "-C", ROOT, "rev-parse", "HEAD") !== undefined;
const NEEDS = "(needs bash 4 or later)";

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps?: readonly Step[] }>>;
}

interface Step {
  readonly name?: string;
  readonly run?: string;
}

const { jobs }: Workflow = parse(await Deno.readTextFile(`${ROOT}/.github/workflows/release.yml`));

Deno.test({
  name: `release.yml takes the tag of the version and refuses another ${NEEDS}`,
  ignore: !hasBash,
  async fn() {
    const step = scriptOf("version", "Compare the tag with deno.json");
    const tag = (name: string) => ({ GITHUB_REF_TYPE: "tag", GITHUB_REF_NAME: name });
    assert.deepEqual((await ran(step, tag(`v${VERSION}`))).outputs, [`version=${VERSION}`]);
    const branch = { GITHUB_REF_TYPE: "branch", GITHUB_REF_NAME: "main" };
    assert.deepEqual((await ran(step, branch)).outputs, [`version=${VERSION}`]);
    const other = await ran(step, tag("v0.0.0"));
    assert.deepEqual([other.code, other.outputs], [1, []]);
  },
});

Deno.test({
  name: `release.yml gives images the tags of their kind, and floating ones to no preview ${NEEDS}`,
  ignore: !hasBash,
  async fn() {
    const step = scriptOf("publish-images", "Push for each platform, and join them");
    const tags = async (KIND: string, VERSION: string) => {
      const { code, calls, outputs } = await ran(step, { KIND, VERSION, GITHUB_REPOSITORY: "Some/One" });
      assert.equal(code, 0);
      assert.deepEqual(outputs, ["name=ghcr.io/some/one", "digest=told by docker"]);
      for (const platform of ["amd64", "arm64"]) {
        const name = `ghcr.io/some/one:${VERSION}-${KIND}-${platform}`;
        assert(calls.includes(`docker tag keystone:${KIND}-${platform} ${name}`));
        assert(calls.includes(`docker push ${name}`));
      }
      const joined = calls.find((call) => call.startsWith("docker buildx imagetools create")) ?? "";
      return [...joined.matchAll(/--tag ghcr\.io\/some\/one:(\S+)/g)].map(([, tag]) => tag);
    };
    assert.deepEqual(await tags("node", "1.2.3"), ["1.2.3-node", "node", "1.2.3", "latest"]);
    assert.deepEqual(await tags("uv", "1.2.3"), ["1.2.3-uv", "uv"]);
    assert.deepEqual(await tags("node", "1.3.0-rc.1"), ["1.3.0-rc.1-node", "1.3.0-rc.1"]);
    assert.deepEqual(await tags("base", "1.3.0-rc.1"), ["1.3.0-rc.1-base"]);
  },
});

Deno.test({
  name: "release.yml publishes a preview as one (needs bash 4 or later, and a repository of git)",
  ignore: !hasBash || !hasHistory,
  async fn() {
    const npm = scriptOf("publish-npm", "Publish");
    const published = async (VERSION: string) => (await ran(npm, { VERSION })).calls;
    const call = (version: string, tag: string) =>
      `npm publish ./dist/keystone-mcp-${version}.tgz --provenance --access public --tag ${tag}`;
    assert.deepEqual(await published("1.2.3"), [call("1.2.3", "latest")]);
    assert.deepEqual(await published("1.3.0-rc.1"), [call("1.3.0-rc.1", "next")]);
    const release = scriptOf("publish-release", "Release");
    const made = async (VERSION: string) =>
      (await ran(release, { VERSION, GITHUB_REF_NAME: "HEAD" })).calls.join("\n");
    assert.match(
      await made("1.2.3"),
      /^gh release create HEAD --verify-tag --title Keystone 1\.2\.3 --notes-file /,
    );
    assert.match(await made("1.3.0-rc.1"), / --title Keystone 1\.3\.0-rc\.1 --prerelease --notes-file /);
  },
});

function scriptOf(job: string, step: string): string {
  const script = jobs[job]?.steps?.find(({ name }) => name === step)?.run;
  if (script === undefined) throw new Error(`Job ${job} has no script "${step}"`);
  return script;
}

/** Runs a script as the runner does, and tells what it has published and put out. */
async function ran(script: string, env: Record<string, string>) {
  const folder = await Deno.makeTempDir({ prefix: "keystone-step-" });
  try {
    const [calls, outputs] = [`${folder}/calls`, `${folder}/outputs`];
    for (const file of [calls, outputs]) await Deno.writeTextFile(file, "");
    const teller = `#!/bin/sh\necho "\${0##*/} $*" >> '${calls}'\necho told by "\${0##*/}"\n`;
    for (const name of ["docker", "npm", "gh"]) {
      await Deno.writeTextFile(`${folder}/${name}`, teller, { mode: 0o755 });
    }
    await Deno.symlink(Deno.execPath(), `${folder}/deno`);
    const PATH = `${folder}${delimiter}${Deno.env.get("PATH") ?? ""}`;
    const { code } = await new Deno.Command("bash", {
      args: ["--noprofile", "--norc", "-eo", "pipefail", "-c", script],
      env: { ...env, PATH, GITHUB_OUTPUT: outputs, RUNNER_TEMP: folder },
      ...{ cwd: ROOT, stdin: "null", stdout: "null", stderr: "null" },
    }).output();
    const lines = async (file: string) => (await Deno.readTextFile(file)).split("\n").filter(Boolean);
    return { code, calls: await lines(calls), outputs: await lines(outputs) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
