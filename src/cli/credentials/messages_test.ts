/** What the commands for credentials say when they refuse: none of it looks like a secret, which would be taken out. */
import assert from "node:assert/strict";
import { safeText } from "../../base/telling.ts";
import { ConfigError, messageOf } from "../../core/errors.ts";
import * as keypair from "./keypair.ts";
import * as keys from "./keys.ts";
import * as showKey from "./show_key.ts";
import * as users from "./users.ts";

const COMMANDS = { keypair, keys, "show-key": showKey, users };

/** The words of a command, whether it is wrong usage, and what it says. */
type Case = readonly [
  command: keyof typeof COMMANDS,
  args: readonly string[],
  isUsage: boolean,
  says: RegExp,
];

const CASES: readonly Case[] = [
  [
    "keys",
    ["create", "--name", "ci"],
    false,
    /^there is a key "ci" already; .*rotate ci replaces it \(\S+\)$/,
  ],
  ["keys", ["create", "--name", "b", "--expires", "90x"], true, /^--expires "90x": expected a time from 1m/],
  ["keys", ["create", "--name", "b", "--scope", 'a"'], true, /^--scope "a\\"": expected visible/],
  ["keys", ["create", "--name", "-"], true, /^--name "-": expected/],
  ["keys", ["create", "--name", "z", "x"], true, /^Unexpected argument "x": see keystone keys --help$/],
  ["keys", ["revoke", "z", "x"], true, /^Unexpected argument "x": see keystone keys --help$/],
  ["users", ["list", "x"], true, /^Unexpected argument "x": see keystone users --help$/],
  ["keypair", ["generate", "x"], true, /^Unexpected argument "x": see keystone keypair --help$/],
  ["show-key", ["x"], true, /^Unexpected argument "x": see keystone show-key --help$/],
  ["keys", ["create"], true, /^--name: expected a name/],
  ["keys", ["rotate", "ci", "--grace", "1y"], true, /^--grace "1y": expected a time from 1m/],
  ["keys", ["rotate", "ci", "--expires", "1y"], true, /^--expires "1y": expected a time from 1m/],
  [
    "keys",
    ["rotate", "nobody"],
    false,
    /^there is no valid key "nobody"; there are ci \(\S+api-keys\.json\)$/,
  ],
  [
    "keys",
    ["revoke", "nobody"],
    false,
    /^there is no valid key "nobody"; there are ci \(\S+api-keys\.json\)$/,
  ],
  ["keys", ["revoke"], true, /^keystone keys revoke: expected the name or the id of a key$/],
  [
    "show-key",
    [],
    false,
    /^there is no key in \S+api-keys\.first; the first start .*, and keystone keys create makes others$/,
  ],
  ["users", ["password", "eve"], false, /^there is no user "eve"; keystone users list names them$/],
  ["users", ["remove", "eve"], false, /^there is no user "eve"; keystone users list names them \(\S+\)$/],
  [
    ...["keys", ["create", "--name", "b", "--apiKeyFile", "/nope/k.json"], true] as const,
    /^--apiKeyFile "\/nope\/k\.json": there is no folder \/nope; make it, or name a file in another one$/,
  ],
  [
    ...["users", ["list", "--basicUserFile", "/nope/u.json"], true] as const,
    /^--basicUserFile "\/nope\/u\.json": there is no folder \/nope; /,
  ],
  [
    ...["keypair", ["generate", "--out", "/nope/x.pem"], true] as const,
    /^--out "\/nope\/x\.pem": there is no folder \/nope; make it, or name a file in another one$/,
  ],
  ["keypair", ["show", "/none.key"], false, /^there is no such file \(\/none\.key\)$/],
];

/** Of files that are not as they should be. */
const BROKEN: readonly (readonly [text: string, mode: number, says: RegExp])[] = [
  ["{", 0o600, /^it is no JSON \(\S+api-keys\.json\)$/],
  ['{"format":1,"keys":[],"pass":1}', 0o600, /^it is no file of keys: .*"pass" \(\S+api-keys\.json\)$/],
  [
    '{"format":1,"keys":[]}',
    0o644,
    /^others than its owner may use it \(mode 0644\), .*secrets; expected mode 600 \(chmod 600\) \(\S+\)$/,
  ],
];

class Folder implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync();

  run(command: keyof typeof COMMANDS, args: readonly string[]): Promise<unknown> {
    const quiet = { write() {}, flush: () => Promise.resolve() };
    const context = { version: "0", stdout: quiet, stderr: quiet };
    return COMMANDS[command].run([...args, "--stateDir", this.path], context);
  }

  async refusal(command: keyof typeof COMMANDS, args: readonly string[]): Promise<unknown> {
    return await this.run(command, args).then(
      () => assert.fail(`${command} ${args.join(" ")} was not refused`),
      (error: unknown) => error,
    );
  }

  async [Symbol.asyncDispose]() {
    await Deno.remove(this.path, { recursive: true });
  }
}

function checkRefusal(error: unknown, says: RegExp): void {
  const message = messageOf(error);
  assert.match(message, says);
  // Of wrong usage nothing is taken out: it is what the user has typed.
  if (!(error instanceof ConfigError)) assert.equal(safeText(message, 1_000), message);
}

Deno.test("commands for credentials refuse in words that are not taken for secrets, and tell wrong usage", async () => {
  await using folder = new Folder();
  await folder.run("keys", ["create", "--name", "ci"]);
  for (const [command, args, isUsage, says] of CASES) {
    const error = await folder.refusal(command, args);
    checkRefusal(error, says);
    assert.equal(error instanceof ConfigError, isUsage, args.join(" "));
  }
});

Deno.test("commands for credentials say what is wrong with a file in words that are not taken for secrets", {
  ignore: Deno.build.os === "windows",
}, async () => {
  for (const [text, mode, says] of BROKEN) {
    await using folder = new Folder();
    await Deno.writeTextFile(`${folder.path}/api-keys.json`, text, { mode: 0o600 });
    await Deno.chmod(`${folder.path}/api-keys.json`, mode);
    checkRefusal(await folder.refusal("keys", ["list"]), says);
  }
});
