/** The prompt on a terminal of its own, as `script` makes one. */
import assert from "node:assert/strict";
import { commandLine, runKeystone, SCRIPTED, TextLog } from "../support/keystone.ts";
import { answer, beginSession, callTool, post } from "../support/rpc.ts";

const SCRIPT = await hasScript();
const MISSING = SCRIPT ? "" : ": it wants script of util-linux";

async function hasScript(): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command("script", { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).includes("util-linux");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}

interface Terminal extends AsyncDisposable {
  /** Everything on the screen so far. */
  readonly screen: TextLog;
  type(text: string): Promise<void>;
  readonly status: Promise<Deno.CommandStatus>;
}

function onTerminal(flags: readonly string[]): Terminal {
  const words = [Deno.execPath(), ...commandLine(["--port", "0", ...flags], { server: SCRIPTED })];
  const line = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["-qfec", line, "/dev/null"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    env: { NO_COLOR: "1", TERM: "xterm" },
  }).spawn();
  const screen = new TextLog(child.stdout);
  const keys = child.stdin.getWriter();
  return {
    screen,
    status: child.status,
    type: (text) => keys.write(new TextEncoder().encode(text)),
    async [Symbol.asyncDispose]() {
      await keys.close().catch(() => {});
      await child.status;
      await screen.ended;
    },
  };
}

async function variableOf(url: string, session: string): Promise<unknown> {
  const { result } = await answer(await post(url, callTool(1, "env", { name: "SHADE" }), { session }));
  return result.structuredContent.value;
}

Deno.test({
  name:
    `the prompt changes a running session, hides what is secret, completes words, and ends the gateway${MISSING}`,
  ignore: !SCRIPT,
  async fn() {
    await using terminal = onTerminal(["--runtimePrompt", "--stateful"]);
    const { screen, type } = terminal;
    const banner = await screen.matching(/http:\/\/127\.0\.0\.1:\d+\/mcp[^]*keystone> /);
    const [url = ""] = /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(banner) ?? [];
    const session = await beginSession(url);
    // Tab writes a word to its end, and the id of the only session.
    await type("sess\t");
    await screen.matching(/sess[^]*ions /);
    await type("\r");
    await screen.matching(new RegExp(`${session}  .*streamableHttp test`));
    await type("env set SHADE=dark --restart now --session \t");
    // The line may be broken anywhere.
    await screen.matching(new RegExp(`--session [^]*${session.slice(-4)}`));
    await type("\r");
    await screen.matching(/"SHADE": "dark"[^]*live 0, restart 1, kept 0/);
    assert.equal(await variableOf(url, session), "dark");
    await type("evn\r");
    await screen.matching(/evn: unknown command, did you mean env\?/);
    await type("bearer\r");
    await screen.matching(/Token: /);
    await type("not-to-be-shown\r");
    await screen.matching(/bearer: this server is a command/);
    await type("quit\r");
    const { code } = await terminal.status;
    assert.equal(code, 0);
    await screen.ended;
    assert(!screen.text.includes("not-to-be-shown"), screen.text);
  },
});

Deno.test("the prompt is refused where nobody can answer it, with the way out", async () => {
  for (
    const [flags, expected] of [
      [["--runtimePrompt"], /--runtimePrompt: expected a terminal .*--runtimeAdminPort/],
      [
        ["--runtimePrompt", "--outputTransport", "stdio"],
        /--runtimePrompt: stdin is the protocol's .*--runtimeAdminPort/,
      ],
    ] as const
  ) {
    const { code, stderr } = await runKeystone([...flags], { server: SCRIPTED });
    assert.equal(code, 2);
    assert.match(stderr, expected);
  }
});
