/** The published server-everything as a remote: in a process of its own, on a free port. */
import { fileURLToPath as fromFileUrl } from "node:url";
import { EVERYTHING, TextLog } from "./keystone.ts";

const ANNOUNCE_PORT = fromFileUrl(new URL("../fixtures/announce_port.ts", import.meta.url));
const PATHS = { sse: "/sse", streamableHttp: "/mcp" };

interface RemoteEverything extends AsyncDisposable {
  readonly url: string;
  /** Everything it printed so far. */
  output(): string;
}

/** Settles when it listens. Throws with its output when it does not start. */
export async function startEverything(transport: keyof typeof PATHS): Promise<RemoteEverything> {
  const [program = "", run = "", ...rest] = EVERYTHING.slice(0, -1);
  const child = new Deno.Command(program, {
    args: [run, "--preload", ANNOUNCE_PORT, ...rest, transport],
    env: { PORT: "0", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const logs = [new TextLog(child.stdout), new TextLog(child.stderr)] as const;
  const port = /^Port: (\d+)$/m.exec(await logs[1].matching(/^Port: \d+$/m))?.[1];
  return {
    url: `http://127.0.0.1:${port}${PATHS[transport]}`,
    output: () => logs.map(({ text }) => text).join(""),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Promise.all(logs.map(({ ended }) => ended));
    },
  };
}
