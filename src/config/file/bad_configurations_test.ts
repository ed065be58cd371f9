/** Each of many bad files with what is said of it; `-- --update` writes the list anew. */
import assert from "node:assert/strict";
import {
  BAD_CONFIGURATIONS,
  type BadConfiguration,
  VARIABLES,
} from "../../../tests/support/bad_configurations.ts";
import { NOWHERE } from "../../../tests/support/config.ts";
import { validateFile } from "../commands.ts";

const SNAPSHOT = new URL("../../../tests/fixtures/bad_configurations.txt", import.meta.url);

async function messagesOf({ text, extension = "toml" }: BadConfiguration, folder: string): Promise<string> {
  const name = `keystone.${extension}`;
  await Deno.writeTextFile(`${folder}/${name}`, text);
  const { problems } = await validateFile(name, { ...NOWHERE, cwd: folder, variables: VARIABLES });
  assert.notEqual(problems.length, 0, `${text}\nwas accepted`);
  return problems.map((line) => `${line}\n`).join("");
}

async function allMessages(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "keystone-" });
  try {
    const parts: string[] = [];
    for (const bad of BAD_CONFIGURATIONS) parts.push(`# ${bad.what}\n${await messagesOf(bad, folder)}`);
    return parts.join("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("validateFile says of each bad file what is wrong with it, and where", async () => {
  const messages = await allMessages();
  if (Deno.args.includes("--update")) await Deno.writeTextFile(SNAPSHOT, messages);
  assert.equal(messages, await Deno.readTextFile(SNAPSHOT));
  assert(BAD_CONFIGURATIONS.length > 60);
});

Deno.test("validateFile shows no secret, and names the file and the place in each line", async () => {
  for (const line of (await allMessages()).split("\n")) {
    assert.doesNotMatch(line, /s3cret/);
    if (line !== "" && !line.startsWith("# ")) assert.match(line, /^keystone\.(toml|yaml|json):\d+:\d+: /);
  }
});
