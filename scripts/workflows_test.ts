import assert from "node:assert/strict";
import { parse } from "yaml";
import { ACTIONLINT, CHECK_JSONSCHEMA, type Linter, ZIZMOR } from "../tests/support/linters.ts";
import { TARGETS } from "./compile.ts";
import { ROOT } from "./run_deno.ts";

const WORKFLOWS = [".github/workflows/ci.yml", ".github/workflows/release.yml"];
const CI = ".ci/run";
const DOCKERFILE = "deploy/Dockerfile";

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly needs?: string | readonly string[];
  readonly if?: string;
  readonly steps?: readonly Step[];
  readonly strategy?: { readonly matrix: { readonly include?: readonly { readonly file?: string }[] } };
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

const texts = new Map<string, string>();
for (const path of WORKFLOWS) texts.set(path, await Deno.readTextFile(`${ROOT}/${path}`));
const workflows = [...texts.values()].map((text): Workflow => parse(text));
const jobs = workflows.flatMap((workflow) => Object.entries(workflow.jobs));
const steps = jobs.flatMap(([_, { steps = [] }]) => steps);

Deno.test("workflows have each action pinned to one commit, and its version beside it", () => {
  const pins = new Map<string, string>();
  for (const text of texts.values()) {
    for (const [line, action = "", pin = ""] of text.matchAll(/uses: ([\w-]+\/[\w/-]+)@?(.*)/g)) {
      assert.match(pin, /^[0-9a-f]{40} # v\d+\.\d+\.\d+$/, line);
      assert.equal(pins.get(action) ?? pin, pin, action);
      pins.set(action, pin);
    }
  }
  assert(pins.size > 5);
});

Deno.test("workflows give each job the permissions that it needs, and none by default", () => {
  for (const { permissions } of workflows) assert.deepEqual(permissions, {});
  for (const [name, { permissions }] of jobs) {
    assert(permissions, name);
    // Who builds and tries what others have written can write nowhere.
    const writes = Object.values(permissions).includes("write");
    assert.equal(writes, /^(?:attest|publish-)/.test(name), name);
  }
});

Deno.test("workflows publish nothing but for a tag, and nothing that was not tried and attested", () => {
  const published = jobs.filter(([name]) => name.startsWith("publish-"));
  assert.equal(published.length, 3);
  for (const [name, job] of [...published, ...jobs.filter(([name]) => name === "attest")]) {
    assert.equal(job.if, "github.ref_type == 'tag'", name);
  }
  const before = (name: string): string[] => {
    const { needs = [] } = jobs.find(([known]) => known === name)?.[1] ?? {};
    return [needs].flat().flatMap((need) => [need, ...before(need)]);
  };
  for (const [name] of published) {
    for (const needed of ["test", "build", "smoke", "images", "attest"]) {
      assert(before(name).includes(needed), `${name}: ${needed}`);
    }
  }
});

Deno.test("workflows leave no credentials in the checkout, and put no expression into a script", () => {
  const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
  assert(checkouts.length > 3);
  for (const checkout of checkouts) assert.equal(checkout.with?.["persist-credentials"], false);
  for (const { run = "" } of steps) assert.doesNotMatch(run, /\$\{\{/);
});

Deno.test("workflows try each file that compile.ts builds", () => {
  const files = Object.values(TARGETS).map((path) => path.replace("dist/", "")).sort();
  for (const name of ["executable", "smoke"]) {
    const include = jobs.find(([known]) => known === name)?.[1].strategy?.matrix.include ?? [];
    assert.deepEqual(include.map(({ file = "" }) => file.replace("dist/", "")).sort(), files, name);
  }
});

Deno.test("workflows have the versions of Deno and Node that the rest has", async () => {
  const deno = /^DENO_VERSION=(\S+)$/m.exec(await Deno.readTextFile(`${ROOT}/${CI}`))?.[1];
  const node = /^FROM node:([\d.]+)-/m.exec(await Deno.readTextFile(`${ROOT}/${DOCKERFILE}`))?.[1];
  const versions = (key: string) => [...new Set(steps.flatMap((step) => step.with?.[key] ?? []))];
  assert.deepEqual(versions("deno-version"), [deno]);
  assert.deepEqual(versions("node-version"), [node]);
});

const SCHEMA = ["--builtin-schema", "vendor.github-workflows"];

/** What each of them has to find here, so that its silence on ours means something. */
const JUDGES: readonly {
  name: string;
  linter: Linter;
  args: readonly string[];
  bad: string;
  found: RegExp;
}[] = [
  {
    ...{ name: "actionlint", linter: ACTIONLINT, args: ["-no-color"] },
    bad: "      - run: echo ${{ github.evnt.name }}\n",
    found: /property "evnt" is not defined/,
  },
  {
    ...{ name: "zizmor", linter: ZIZMOR, args: ["--offline", "--quiet", "--persona", "pedantic"] },
    bad: "      - run: echo ${{ github.event.pull_request.title }}\n",
    found: /template-injection/,
  },
  {
    ...{ name: "the schema of workflows", linter: CHECK_JSONSCHEMA, args: SCHEMA },
    bad: "      - runs: echo\n",
    found: /runs/,
  },
];

for (const { name, linter, args, bad, found } of JUDGES) {
  Deno.test({
    name: `workflows pass ${name} (${linter.wants})`,
    ignore: linter.missing,
    async fn() {
      assert.equal(await linter.findings([...args, ...WORKFLOWS], { cwd: ROOT }), "");
      const folder = await Deno.makeTempDir({ prefix: "keystone-workflows-" });
      try {
        const text = `on: pull_request\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n${bad}`;
        await Deno.writeTextFile(`${folder}/bad.yml`, text);
        assert.match(await linter.findings([...args, `${folder}/bad.yml`], { cwd: ROOT }), found);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
