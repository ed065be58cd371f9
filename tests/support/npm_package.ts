/** The npm package as its users have it: packed, and installed by an npm of theirs into an empty folder. */
import { npmPackage } from "../../scripts/npm.ts";
import { descendants, SCRIPTED, TextLog } from "./keystone.ts";
import { printedBy } from "./programs.ts";

/** npm starts programs by a shell here, and on Windows by another one. */
export const HAS_NPM = Deno.build.os !== "windows" &&
  (await Promise.all([printedBy("npm", "--version"), printedBy("node", "--version")]))
    .every((version) => version !== undefined);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A gateway that serves the scripted server. */
export interface Serving extends AsyncDisposable {
  readonly mcp: string;
  /** What was started, and all that came of it, the newest last. */
  processes(): Promise<number[]>;
  readonly log: TextLog;
  signal(name: Deno.Signal): void;
  readonly status: Promise<Deno.CommandStatus>;
}

export interface Installed {
  readonly folder: string;
  /** Its npx is the npm's that has installed the package; of whatever runs the tests it knows nothing. */
  readonly env: Record<string, string>;
  /** The command that npm has put at hand. */
  readonly bin: string;
  /** Runs to the end in the folder. */
  run(program: string, ...args: string[]): Promise<Ended>;
  serve(program: string, ...args: string[]): Promise<Serving>;
}

export interface Packed extends AsyncDisposable {
  install(npmVersion: string): Promise<Installed>;
}

export async function packed(): Promise<Packed> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "keystone-npm-" }));
  const remove = () => Deno.remove(root, { recursive: true });
  try {
    const tarball = await npmPackage({ output: `${root}/dist` });
    return { install: (version) => install(root, tarball, version), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** What npm has in its cache is not asked for again; no script of a package runs. */
const INSTALL = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--silent"];

async function install(root: string, tarball: string, npmVersion: string): Promise<Installed> {
  const tools = `${root}/npm-${npmVersion}`;
  const folder = `${root}/with-npm-${npmVersion}`;
  await Deno.mkdir(tools);
  await Deno.mkdir(folder);
  await succeeding(running(tools, surroundings(), "npm", [...INSTALL, `npm@${npmVersion}`]));
  const env = surroundings(`${tools}/node_modules/.bin`);
  await succeeding(running(folder, env, "npm", [...INSTALL, tarball]));
  return {
    ...{ folder, env, bin: `${folder}/node_modules/.bin/keystone` },
    run: (program, ...args) => running(folder, env, program, args),
    serve: (program, ...args) => serving(folder, env, [program, ...args]),
  };
}

/** The tests themselves may have been started by npx, which says so to all that comes of it. */
function surroundings(...folders: string[]): Record<string, string> {
  const { PATH = "", ...others } = Deno.env.toObject();
  const foreign = Object.entries(others).filter(([name]) => !/^(npm_|KEYSTONE_)/i.test(name));
  return {
    ...Object.fromEntries(foreign),
    PATH: [...folders, PATH].join(":"),
    NO_COLOR: "1",
    XDG_CONFIG_HOME: "/dev/null",
    npm_config_update_notifier: "false",
    // Not what it thinks of the configuration of whoever runs the tests.
    npm_config_loglevel: "error",
  };
}

async function running(
  cwd: string,
  env: Record<string, string>,
  program: string,
  args: readonly string[],
): Promise<Ended> {
  const command = new Deno.Command(program, { args: [...args], cwd, env, clearEnv: true, stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

async function succeeding(run: Promise<Ended>): Promise<void> {
  const { code, stdout, stderr } = await run;
  if (code !== 0) throw new Error(`npm failed with code ${code}:\n${stdout}${stderr}`);
}

async function serving(
  cwd: string,
  env: Record<string, string>,
  [program = "", ...words]: readonly string[],
): Promise<Serving> {
  const child = new Deno.Command(program, {
    args: [...words, "--port", "0", "--stateful", "--no-try-at-start", "--", ...SCRIPTED],
    ...{ cwd, env, clearEnv: true, stdin: "null", stdout: "piped", stderr: "piped" },
  }).spawn();
  const [log, out] = [new TextLog(child.stderr), new TextLog(child.stdout)];
  const processes = async () => [child.pid, ...await descendants(child.pid)];
  let known = [child.pid];
  let isOver = false;
  const ended = Promise.all([child.status, log.ended, out.ended]).then(() => isOver = true);
  const dispose = async () => {
    if (!isOver) { for (const pid of known) signal(pid, "SIGTERM"); }
    await ended;
  };
  try {
    const banner = await out.matching(/\n}\n/);
    known = await processes();
    return {
      ...{ mcp: /Streamable HTTP +(\S+)/.exec(banner)?.[1] ?? "", processes, log, status: child.status },
      signal: (name) => signal(child.pid, name),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (cause) {
    await dispose();
    throw new Error(`It did not start:\n${log.text}`, { cause });
  }
}

/** One that has ended has nothing against it. */
export function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
