/** Gets ready what is measured: the bundle, the servers behind the gateways, the other gateways, a certificate. */
import { bundle } from "../bundle.ts";
import { ROOT, runDeno } from "../run_deno.ts";
import { statIfPresent } from "../source_files.ts";
import {
  absentPeer,
  C_FLOOR,
  cFloor,
  type Contestant,
  floor,
  GO_MCP_PROXY,
  GO_MODULE,
  goMcpProxy,
  type Guard,
  keystone,
  mcpProxy,
  namedPeer,
  PACKAGES,
  quote,
  sdkServer,
  supergateway,
  type TlsFiles,
} from "./peers.ts";
import type { BenchOptions, Pinning } from "./options.ts";
import { mustRun, versionOf } from "./tools.ts";

/** What the benchmark builds and installs; git ignores it. */
export const CACHE = `${ROOT}/.bench`;

/** The command line of the server behind the gateways. Throws where it cannot be built. */
export async function buildChild(kind: BenchOptions["child"], pinning: Pinning | undefined): Promise<string> {
  const pin = pinning?.child === undefined ? "" : `taskset --cpu-list ${pinning.child} `;
  if (kind === "node") return `${pin}node ${quote(`${ROOT}/scripts/bench/echo.mjs`)}`;
  return `${pin}${quote(await compiled("echo"))}`;
}

/** The program that is made of a C file of this folder. Throws where there is no compiler. */
async function compiled(name: string): Promise<string> {
  const program = `${CACHE}/${name}`;
  // Of another name until it is whole: two runs may build it at the same time.
  const unfinished = `${program}.${crypto.randomUUID()}`;
  await mustRun("cc", ["-O2", "-D_GNU_SOURCE", "-o", unfinished, `${ROOT}/scripts/bench/${name}.c`]);
  await Deno.rename(unfinished, program);
  return program;
}

/** Everyone who takes part, in the order of the report; who cannot is there with the reason. */
export async function findContestants(options: BenchOptions): Promise<Contestant[]> {
  const built = await Promise.all([
    ifThere(C_FLOOR, options, async () => cFloor(await compiled("floor"))),
    ifThere(GO_MCP_PROXY, options, async () => goMcpProxy(await installGo())),
  ]);
  const all = [
    floor,
    keystone,
    sdkServer,
    ...await npmPeers(options),
    ...built,
    ...options.peers.map(namedPeer),
  ];
  const chosen = all.filter(({ name }) => takesPart(options, name));
  if (chosen.includes(keystone)) await bundle();
  return chosen;
}

async function npmPeers(options: BenchOptions): Promise<Contestant[]> {
  const builders = { supergateway, "mcp-proxy": mcpProxy };
  const programs = { supergateway: "dist/index.js", "mcp-proxy": "dist/bin/mcp-proxy.mjs" };
  const names = ["supergateway", "mcp-proxy"] as const;
  return await Promise.all(names.map((name) => {
    return ifThere(name, options, async () => builders[name](`${await install(name)}/${programs[name]}`));
  }));
}

/** Who cannot be built or installed on this machine is absent, with the reason. */
async function ifThere(
  name: string,
  options: BenchOptions,
  build: () => Promise<Contestant>,
): Promise<Contestant> {
  if (!takesPart(options, name)) return absentPeer(name, "left out");
  try {
    return await build();
  } catch (error) {
    return absentPeer(name, error instanceof Error ? error.message : String(error));
  }
}

function takesPart({ only }: BenchOptions, name: string): boolean {
  return only?.includes(name) ?? true;
}

/** Resolves to the folder of the package; each has a prefix of its own, and so its own dependencies. */
async function install(name: keyof typeof PACKAGES): Promise<string> {
  if (await versionOf("node", "--version") === undefined) throw new Error("node is not installed");
  const prefix = `${CACHE}/${PACKAGES[name]}`;
  const installed = `${prefix}/installed`;
  if (!await statIfPresent(installed)) {
    await Deno.mkdir(prefix, { recursive: true });
    await mustRun("npm", ["install", "--prefix", prefix, "--no-audit", "--no-fund", PACKAGES[name]]);
    await Deno.writeTextFile(installed, `${PACKAGES[name]}\n`);
  }
  return `${prefix}/node_modules/${name}`;
}

/** Resolves to the program, built as what a module of its own needs. Throws where there is no Go. */
async function installGo(): Promise<string> {
  if (await versionOf("go", "version") === undefined) throw new Error("go is not installed");
  const { path, version } = GO_MODULE;
  const folder = `${CACHE}/${GO_MCP_PROXY}@${version}`;
  const program = `${folder}/mcp-proxy`;
  if (await statIfPresent(program)) return program;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/go.mod`, `module bench\n\ngo 1.23\n\nrequire ${path} ${version}\n`);
  await mustRun("go", ["build", "-C", folder, "-mod=mod", "-o", program, path]);
  return program;
}

/** A file with one key, as `keystone keys create` writes it. */
export async function makeApiKey(folder: string): Promise<Guard> {
  const apiKeyFile = `${folder}/api-keys.json`;
  const flags = ["keys", "create", "--name", "bench", "--apiKeyFile", apiKeyFile];
  const { code, stdout, stderr } = await runDeno(["run", "-A", "main.ts", ...flags], { cwd: ROOT });
  if (code !== 0) throw new Error(`No API key could be made: ${stderr.trim()}`);
  return { apiKeyFile, token: stdout.trim() };
}

/** A certificate for the loopback, by an authority of its own. Throws where there is no openssl. */
export async function makeTlsFiles(folder: string): Promise<TlsFiles> {
  const path = (name: string) => `${folder}/${name}`;
  const files = { cert: path("server.pem"), key: path("server.key"), ca: path("ca.pem") };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await Deno.writeTextFile(path("server.ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const [caKey, request] = [path("ca.key"), path("server.csr")];
  const subject = (name: string) => ["-subj", `/CN=${name}`];
  await openssl("req", "-x509", ...newKey, ...subject("bench CA"), "-keyout", caKey, "-out", files.ca);
  await openssl("req", ...newKey, ...subject("localhost"), "-keyout", files.key, "-out", request);
  const signer = ["-CA", files.ca, "-CAkey", caKey, "-CAcreateserial", "-extfile", path("server.ext")];
  await openssl("x509", "-req", "-days", "30", "-in", request, ...signer, "-out", files.cert);
  return files;
}

async function openssl(...args: string[]): Promise<void> {
  await mustRun("openssl", args);
}
