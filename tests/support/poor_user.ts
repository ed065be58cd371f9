/**
 * A gateway of a user that nobody else is, so that the limit of his processes binds it alone. What counts against that
 * limit are the threads of all his processes: how many the runtime has differs from machine to machine, and is counted.
 */
import { type Keystone, startKeystone } from "./keystone.ts";

/** Only root can become another user. */
export const CAN_BECOME_ANOTHER = Deno.build.os === "linux" && Deno.uid() === 0 &&
  await has("setpriv") && await has("prlimit");

const BUNDLE = new URL("../../dist/keystone.js", import.meta.url);

interface PoorKeystone extends Keystone {
  /** From now on its user may have so many more threads and processes than he has now; returns how many in all. */
  allowMore(count: number): Promise<number>;
}

/** `server` is what stands after `--`; the user can read no more than what everybody can. */
export async function startPoorKeystone(
  flags: readonly string[],
  server: readonly string[],
): Promise<PoorKeystone> {
  // The checkout may be closed to other users.
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o777);
  await Deno.copyFile(BUNDLE, `${folder}/keystone.js`);
  const user = `${100_000 + Math.floor(Math.random() * 1_000_000_000)}`;
  const asUser = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"];
  const gateway = await startKeystone(flags, {
    server,
    launcher: asUser,
    entry: ["--no-config", `${folder}/keystone.js`],
    env: { DENO_DIR: folder, HOME: folder },
  });
  return {
    ...gateway,
    async allowMore(count) {
      const limit = await tasksOf(user) + count;
      // As the user himself: not every root may limit others.
      const [program = "", ...args] = [...asUser, "prlimit", "--pid", `${gateway.pid}`, `--nproc=${limit}`];
      const { success } = await new Deno.Command(program, { args }).output();
      if (!success) throw new Error(`Cannot limit the processes of ${gateway.pid} to ${limit}`);
      return limit;
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function tasksOf(user: string): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-L", "-o", "lwp=", "-u", user] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").length;
}

async function has(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}
