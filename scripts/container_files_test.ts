import assert from "node:assert/strict";
import { parse } from "yaml";
import { splitCommandLine } from "../src/config/command_line.ts";
import { findOption } from "../src/config/options.ts";
import { parseDockerfile } from "../tests/support/dockerfile.ts";
import { CHECK_JSONSCHEMA, HADOLINT, SHELLCHECK } from "../tests/support/linters.ts";
import { TARGETS } from "./compile.ts";
import { ROOT } from "./run_deno.ts";

const DOCKERFILE = "deploy/Dockerfile";
const COMPOSE = "deploy/compose.yaml";
const SCRIPTS = ["deploy/container/install.sh", "deploy/container/entrypoint.sh"];

const stages = parseDockerfile(await Deno.readTextFile(`${ROOT}/${DOCKERFILE}`));

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface Service {
  readonly image: string;
  readonly build: { readonly dockerfile: string; readonly target: string };
  readonly command: string;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
}

/** A user's, before the change: all of it stays, but for the image. */
const OF_SUPERGATEWAY: Partial<Service> = {
  image: "supercorp/supergateway",
  command: '--stdio "npx -y @modelcontextprotocol/server-filesystem@2026.8.31 /srv" --port 8000',
  ports: ["8000:8000"],
};

Deno.test("deploy/Dockerfile has each image pinned by its digest, and a stage for each kind", () => {
  const names = stages.map(({ name }) => name);
  for (const { from } of stages) {
    const isStage = from === "scratch" || names.includes(from) || from === "artefact-${TARGETARCH}";
    if (!isStage) assert.match(from, /^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
  }
  for (const kind of ["base", "node", "uv"]) assert(names.includes(kind), kind);
});

Deno.test("deploy/Dockerfile takes for each platform what compile.ts builds for it", () => {
  const copied = (platform: string) =>
    stages.find(({ name }) => name === `artefact-${platform}`)?.instructions.map(({ value }) => value);
  assert.deepEqual(copied("amd64"), [`${TARGETS["x86_64-unknown-linux-gnu"]} /keystone`]);
  assert.deepEqual(copied("arm64"), [`${TARGETS["aarch64-unknown-linux-gnu"]} /keystone`]);
});

Deno.test("deploy/Dockerfile has nothing run as root in the end", () => {
  for (const kind of ["base", "node", "uv"]) {
    const users = stages.find(({ name }) => name === kind)?.instructions.filter(({ name }) =>
      name === "USER"
    );
    assert.equal(users?.at(-1)?.value, "10001:10001", kind);
  }
});

Deno.test("deploy/Dockerfile keeps state in a volume, and names the port that is listened on", () => {
  const base = stages.find(({ name }) => name === "base")?.instructions ?? [];
  const value = (name: string) => base.find((one) => one.name === name)?.value;
  assert.equal(value("VOLUME"), '["/data"]');
  assert.match(value("ENV") ?? "", /HOME=\/data .*KEYSTONE_STATE_DIR=\/data\/keystone\b/);
  assert.equal(value("EXPOSE"), `${findOption("port")?.default}`);
});

Deno.test("deploy/Dockerfile.dockerignore lets in what deploy/Dockerfile copies, and no more", async () => {
  const lines = (await Deno.readTextFile(`${ROOT}/${DOCKERFILE}.dockerignore`)).split("\n");
  const allowed = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const copied = stages.flatMap(({ instructions }) => instructions).filter(({ name, value }) =>
    name === "COPY" && !value.includes("--from=")
  ).map(({ value }) => value.split(" ").filter((word) => !word.startsWith("--"))[0] ?? "");
  assert(lines.includes("*"));
  for (const path of copied) {
    assert(allowed.some((one) => path === one || path.startsWith(`${one}/`)), path);
  }
  for (const one of allowed) {
    assert(copied.some((path) => path === one || path.startsWith(`${one}/`)), one);
  }
});

Deno.test("deploy/compose.yaml is a compose file of supergateway with another image", async () => {
  const text = await Deno.readTextFile(`${ROOT}/${COMPOSE}`);
  const { services: { tools }, volumes }: ComposeFile = parse(text);
  assert(tools);
  const { command, ports } = tools;
  assert.deepEqual({ command, ports }, { command: OF_SUPERGATEWAY.command, ports: OF_SUPERGATEWAY.ports });
  assert.notEqual(tools.image, OF_SUPERGATEWAY.image);
  assert.equal(tools.build.dockerfile, DOCKERFILE);
  assert(stages.some(({ name }) => name === tools.build.target));
  assert.deepEqual(tools.volumes.map((one) => one.split(":")), [[Object.keys(volumes)[0], "/data"]]);
  const line = splitCommandLine(command, "linux");
  assert(line.kind === "words");
  for (const word of line.words) if (word.startsWith("--")) assert(findOption(word.slice(2)), word);
});

Deno.test({
  name: `deploy/Dockerfile passes hadolint (${HADOLINT.wants})`,
  ignore: HADOLINT.missing,
  async fn() {
    assert.equal(await HADOLINT.findings([DOCKERFILE], { cwd: ROOT }), "");
  },
});

Deno.test({
  name: `the scripts of the container pass shellcheck (${SHELLCHECK.wants})`,
  ignore: SHELLCHECK.missing,
  async fn() {
    assert.equal(await SHELLCHECK.findings(SCRIPTS, { cwd: ROOT }), "");
  },
});

Deno.test({
  name: `deploy/compose.yaml is valid by the schema of Compose (${CHECK_JSONSCHEMA.wants})`,
  ignore: CHECK_JSONSCHEMA.missing,
  async fn() {
    const schema = ["--builtin-schema", "vendor.compose-spec"];
    assert.equal(await CHECK_JSONSCHEMA.findings([...schema, COMPOSE], { cwd: ROOT }), "");
  },
});
