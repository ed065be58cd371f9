import assert from "node:assert/strict";
import { parseCommand } from "./parse_command.ts";
import { PromptError } from "./prompt_error.ts";

const change = (of: Record<string, unknown>, scope = {}) => ({ kind: "change", change: of, scope });
const ask = (secret: object, scope = {}) => ({ kind: "ask", secret, scope });

Deno.test("parseCommand understands each word, with its options anywhere", () => {
  const cases: [string, unknown][] = [
    ["", { kind: "nothing" }],
    ["   ", { kind: "nothing" }],
    ["env set A=1 B='x y'", change({ env: { A: "1", B: "x y" } })],
    ["env set A= B=c=d", change({ env: { A: "", B: "c=d" } })],
    ["env set A", ask({ field: "env", name: "A" })],
    ["env unset A B", change({ env: { A: null, B: null } })],
    ['header set "X-Tenant: blue: sky"', change({ headers: { "X-Tenant": "blue: sky" } })],
    ["header set X-Tenant:blue", change({ headers: { "X-Tenant": "blue" } })],
    ["header set Cookie", ask({ field: "headers", name: "Cookie" })],
    ["header unset X-Tenant", change({ headers: { "X-Tenant": null } })],
    ["args -- --level debug", change({ args: ["--level", "debug"] })],
    ["args --", change({ args: [] })],
    [
      "args --session abcd -- --session x -- y",
      change({ args: ["--session", "x", "--", "y"] }, { session: "abcd" }),
    ],
    ["args clear", change({ args: null })],
    ["bearer", ask({ field: "bearer" })],
    ["--server far bearer", ask({ field: "bearer" }, { server: "far" })],
    ["bearer clear", change({ bearer: null })],
    [
      "--server files env set A=1 --restart=now",
      change({ env: { A: "1" } }, { server: "files", restart: "now" }),
    ],
    ["clear --restart never", { kind: "clear", scope: { restart: "never" } }],
    ["show --session abcd", { kind: "show", scope: { session: "abcd" } }],
    ["sessions --server files", { kind: "sessions", scope: { server: "files" } }],
    ["restart --session abcd --restart now", { kind: "restart", scope: { session: "abcd", restart: "now" } }],
    ["end --session abcd", { kind: "end", scope: { session: "abcd" } }],
    ...["config", "reload", "help", "quit"].map((kind): [string, unknown] => [kind, { kind }]),
  ];
  for (const [line, command] of cases) assert.deepEqual(parseCommand(line), command, line);
});

Deno.test("parseCommand says in one line what it does not understand, and no value of it", () => {
  const cases: [string, string | RegExp][] = [
    ["envs set A=1", "envs: unknown command, did you mean env?"],
    ["nonsense=s3cret", /^nonsense: unknown command, expected any of env, .*, quit$/],
    ["constructor", /^constructor: unknown command/],
    ["--session abcd", "Expected a command: help tells which there are"],
    ["env", "env: expected set K=V, or unset K"],
    ["env sett A=1", "sett: unknown word behind env, did you mean set?"],
    ["env set", "env set: expected K=V, or K to be asked for its value"],
    ["env set A=1 s3cret", "env set: expected K=V each time"],
    ["env set A=1 A=2", "env set: A is given twice"],
    ["env set A=1 -- B=2", "env: expected nothing behind --"],
    ["env unset", "env unset: expected a name"],
    ["header", 'header: expected set "K: V", or unset K'],
    ["header set A:1 s3cret", 'header set: expected "K: V" each time'],
    ["args a", "args: expected -- and all arguments behind it, or clear"],
    ["args clear -- a", "args: expected -- and all arguments behind it, or clear"],
    ["bearer s3cret", "bearer: expected no token in the line, since it is asked for and not shown; or clear"],
    ["show s3cret", "show: expected nothing else in the line"],
    ["quit now", "quit: expected nothing else in the line"],
    ["restart", "restart: expected --session ID: sessions lists them"],
    ["end --server files", "end: expected --session ID: sessions lists them"],
    ["restart --session abcd --restart never", "restart --restart never: expected idle or now"],
    ["sessions --sesion x", "--sesion: unknown option, did you mean --session?"],
    ["sessions --token=s3cret", "--token: unknown option, expected any of --session, --server, --restart"],
    ["sessions --session x", "sessions: has no option --session"],
    ["help --server x", "help: has no option --server"],
    ["show --session", "--session: expected the id of a session: sessions lists them"],
    ["show --server --session x", "--server: expected the name of a server"],
    ["show --server=", "--server: expected the name of a server"],
    ["show --server a --server b", "--server: given twice"],
    ["env set A=1 --restart soon", "--restart soon: expected idle, now or never"],
    ["env set 'A=s3cret", "The line is not complete: the quote ' has no end"],
  ];
  for (const [line, expected] of cases) {
    assert.throws(() => parseCommand(line), (error) => {
      assert(error instanceof PromptError);
      if (typeof expected === "string") assert.equal(error.message, expected);
      else assert.match(error.message, expected);
      return !/s3cret|\n/.test(error.message);
    }, line);
  }
});
