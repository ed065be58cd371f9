/** The prompt on a terminal of its own, as `script` makes one. */
import assert from "node:assert/strict";
import { configFolder } from "../support/config_folder.ts";
import { commandLine, runKeystone, SCRIPTED, type TextLog } from "../support/keystone.ts";
import { MemoryTerminal } from "../support/terminal.ts";
import {
  HAS_TERMINALS,
  MISSING,
  onTerminal as shellOnTerminal,
  type PseudoTerminal,
  quoted,
} from "../support/pseudo_terminal.ts";
import { answer, beginSession, callTool, post } from "../support/rpc.ts";

function onTerminal(flags: readonly string[], server: readonly string[] = SCRIPTED): PseudoTerminal {
  const options = server.length === 0 ? {} : { server };
  const words = [Deno.execPath(), ...commandLine(["--port", "0", ...flags], options)];
  // A shell that waits for it would be interrupted by Ctrl-C as well, and end with 130 in its place.
  return shellOnTerminal(`exec ${quoted(words)}`);
}

/** Comes to the URL once the prompt is there. */
async function serving(screen: TextLog): Promise<string> {
  const text = await screen.matching(/http:\/\/127\.0\.0\.1:\d+\/mcp[^]*keystone> /);
  return /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(text)?.[0] ?? "";
}

async function variableOf(url: string, session: string): Promise<unknown> {
  const { result } = await answer(await post(url, callTool(1, "env", { name: "SHADE" }), { session }));
  return result.structuredContent.value;
}

Deno.test({
  name: `the prompt changes a session that is served, hides a secret, completes words, and quits${MISSING}`,
  ignore: !HAS_TERMINALS,
  async fn() {
    await using terminal = onTerminal(["--runtimePrompt", "--stateful"]);
    const { screen, type } = terminal;
    const url = await serving(screen);
    const session = await beginSession(url);
    await type("sess\t");
    await screen.matching(/sess[^]*ions /);
    await type("\r");
    await screen.matching(new RegExp(`${session}  .*streamableHttp`));
    await type("env set SHADE=dark --restart now --session \t");
    // A line that fills its row is broken there.
    await screen.matching(new RegExp(`--session [^]*${session.slice(-4)}`));
    await type("\r");
    await screen.matching(/"SHADE":"dark"[^]*: live 0, restart 1, kept 0/);
    assert.equal(await variableOf(url, session), "dark");
    await type(`env set SHADE --restart now --session ${session.slice(0, 8)}\r`);
    await screen.matching(/Value of SHADE: /);
    await type("not-to-be-");
    await type("shown\r");
    await screen.matching(/Value of SHADE: [^]*"SHADE":"\[REDACTED]"}}: live 0, restart 1, kept 0/);
    assert.equal(await variableOf(url, session), "not-to-be-shown");
    await type("env set API_TOKEN=not-to-be-seen");
    await screen.matching(/API_TOKEN=\*{14}/);
    await type("\x15");
    const before = screen.text;
    assert(!before.includes("not-to-be"), before);
    await type("quit\r");
    assert.equal((await terminal.status).code, 0);
    await screen.ended;
    assert.match(screen.text.slice(before.length), /stopping[^]*quit at the prompt/);
    const seen = new MemoryTerminal();
    seen.write(screen.text);
    assert(seen.rows.some((row) => /^\d{4}-\S+ INF Session opened/.test(row)), seen.rows.join("\n"));
  },
});

Deno.test({
  name: `Ctrl-D leaves the prompt and Ctrl-C ends the gateway with 0, at the prompt and without${MISSING}`,
  ignore: !HAS_TERMINALS,
  async fn() {
    for (const leaves of [false, true]) {
      await using terminal = onTerminal(["--runtimePrompt", "--stateful"]);
      const { screen, type } = terminal;
      const url = await serving(screen);
      if (leaves) {
        await type("\x04");
        await screen.matching(/The prompt is left/);
        await beginSession(url);
      }
      await type("\x03");
      assert.equal((await terminal.status).code, 0);
      await screen.ended;
      assert.match(screen.text, /reason=SIGINT/);
    }
  },
});

Deno.test({
  name: `the prompt reads the configuration anew, and tells it${MISSING}`,
  ignore: !HAS_TERMINALS,
  async fn() {
    await using folder = await configFolder({ "keystone.json": configurationWith("2s") });
    await using terminal = onTerminal(["--runtimePrompt", "--config", `${folder.path}/keystone.json`], []);
    const { screen, type } = terminal;
    await serving(screen);
    await folder.write("keystone.json", configurationWith("7s"));
    await type("reload\r");
    await screen.matching(/Applied: changed: only/);
    await type("config\r");
    await screen.matching(/requestTimeout = "7s" +# \S*keystone.json:/);
    await folder.write("keystone.json", "{");
    await type("reload\r");
    await screen.matching(/Nothing is changed:\r\n +\S*keystone.json:1/);
    await type("quit\r");
    assert.equal((await terminal.status).code, 0);
  },
});

function configurationWith(requestTimeout: string): string {
  const [command, ...args] = SCRIPTED;
  return JSON.stringify({ servers: { only: { command, args, requestTimeout } } });
}

Deno.test("the prompt is refused where nobody can answer it, with the way out", async () => {
  const cases: [string[], RegExp][] = [
    [
      ["--runtimePrompt"],
      /^keystone: --runtimePrompt: expected a terminal on stdin and stderr; --runtimeAdminPort does the same by HTTP\n$/,
    ],
    [
      ["--runtimePrompt", "--outputTransport", "stdio"],
      /^keystone: --runtimePrompt: stdin is for the client here; --runtimeAdminPort /,
    ],
  ];
  for (const [flags, expected] of cases) {
    const { code, stderr } = await runKeystone(flags, { server: SCRIPTED });
    assert.equal(code, 2);
    assert.match(stderr, expected);
  }
});
