// deno-lint-ignore-file no-console -- a script reports to the terminal
/** Writes docs/configuration.md from the table of options. */
import { nameInFile, sectionEntries, serverKeyName } from "../src/config/file/places.ts";
import {
  findOption,
  isServerOption,
  isWhichServer,
  optionEntries,
  type OptionKey,
} from "../src/config/options.ts";
import { ROOT, runDeno } from "./run_deno.ts";

const PATH = "docs/configuration.md";

const INTRODUCTION = `# Configuration

<!-- Written by scripts/config_docs.ts from the table of options. -->

A value comes from the first of these that has it: a flag, an environment variable, the file (of the server,
then of all servers), the default. What is a list of names with values (\`env\`, \`headers\`) is put together from
all of them, name by name. \`keystone config print\` shows each value with its source.

## The file

\`keystone --config FILE\`, or \`keystone FILE\`, or \`KEYSTONE_CONFIG\`. Else \`keystone.toml\`, \`.yaml\`, \`.yml\`,
\`.json\` or \`.jsonc\` is taken, the first that is there: in the working directory, else in the folder \`keystone\`
of \`XDG_CONFIG_HOME\` (\`~/.config\`; on macOS also \`~/Library/Application Support\`, on Windows \`APPDATA\`).
\`--no-config\` looks for none. A server on the command line takes the place of those in a file that was found;
beside a file that was named it is refused.

\`\`\`toml
[listen]
port = 9000

[timeouts]
request = "60s"

[servers.files]
command = "npx"
args = ["-y", "@modelcontextprotocol/server-filesystem", "/srv"]
env = { LOG = "info", TOKEN = "\${FILES_TOKEN}" }
requestTimeout = "10s"

[servers.far]
url = "https://example.com/mcp"
headers = { Authorization = "Bearer \${FAR_TOKEN:-none}", X-Key = { file = "key.txt" } }
\`\`\`

A server has \`command\`, with \`args\` or as a whole command line, or \`url\`, with \`type\` (\`http\`, which finds out
whether the server speaks Streamable HTTP or SSE, \`streamable-http\`, \`sse\`, \`ws\`). It may have \`description\`,
\`disabled\`, \`env\`, \`cwd\`, \`headers\`, and each option of a server by its own key. Its name has letters, digits,
\`-\`, \`_\` and \`.\`. The servers of a file are served over the network unless \`outputTransport\` says otherwise:
one at the root, each of several below its name.

A list may be one text, and names with values (\`env\`, \`headers\`, \`callTimeout\`, \`headerToEnv\`, …) a table or a list as
the flag takes them.

The file of another program with \`mcpServers\` or \`servers\` works as it is. What is written for that program and
means nothing here is ignored; a warning tells of what would be missed.

In texts \`\${NAME}\` is an environment variable, \`\${NAME:-text}\` has a default for one that is not set or empty,
and \`$\${NAME}\` is \`\${NAME}\` itself; \`\${env:NAME}\` and \`\${workspaceFolder}\` of Visual Studio Code work, its
inputs do not. \`{ file = "path" }\` in place of a text is the text of that file, without the newline at its end.
Relative paths begin at the folder of the file. On the command line \`\${NAME}\` stands for a variable in
\`--header\` and \`--env\`, and stays as it is where that is not set; \`\${NAME:-text}\` has a default there, too.

\`keystone config validate FILE\` tells all that is wrong with a file, with its place, and ends with code 2. It judges
the text alone, since it may be written elsewhere than it is served: whether folders, certificates and programs are
there is seen at the start.
\`keystone config schema\` prints a JSON Schema for editors.

## Environment variables

Each option has one: \`maxSessions\` is \`KEYSTONE_MAX_SESSIONS\`. A switch takes \`true\` or \`false\`, also \`1\` or \`0\`.
The values of a list are joined by commas, or stand on lines of their own; those that may have commas themselves
(\`KEYSTONE_ENV\`, \`KEYSTONE_HEADER\`, \`KEYSTONE_CALL_TIMEOUT\`, the patterns of \`KEYSTONE_ALLOW_TOOLS\` and its like)
always do the latter. An empty variable counts as none. A server that Keystone starts gets none
of them.

## Options

Those of a server may stand below \`servers.NAME\` too, by the key in the last column.
`;

const WHICH = optionEntries().map(([key]) => key).filter(isWhichServer);

export async function configurationDocs(): Promise<string> {
  const sections = sectionEntries().map(([section, names]) =>
    [
      `### ${section}`,
      table(
        ["In the file", "Flag", "Default", "What it is", "Of a server"],
        names.map(([name, key]) => row(`${section}.${name}`, key)),
      ),
    ].join("\n\n")
  );
  const which = table(
    ["Flag", "What it is"],
    WHICH.map((key) => [code(`--${key}`), text(findOption(key)?.description ?? "")]),
  );
  const page = [
    INTRODUCTION,
    ...sections,
    "### Which server\n",
    "On the command line and in the environment alone:\n",
    which,
  ].join("\n");
  return await formatted(`${page}\n`);
}

function row(name: string, key: OptionKey): string[] {
  const meta = findOption(key)!;
  const shown = Array.isArray(meta.default) || meta.default === "" ? "" : String(meta.default ?? "");
  return [
    code(name),
    code(`--${key}`),
    shown === "" ? "" : code(shown),
    text(meta.description),
    isServerOption(key) ? code(serverKeyName(key)) : "",
  ];
}

function text(description: string): string {
  return description.replace(/\{(\w+)\}/g, (_, key: string) => code(nameInFile(key))).replaceAll("|", "\\|")
    .replaceAll("*", "\\*").replaceAll("<", "\\<");
}

function code(name: string): string {
  return `\`${name}\``;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

/** As the formatter has it, which the checkout is held to. */
async function formatted(markdown: string): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".md" });
  try {
    await Deno.writeTextFile(path, markdown);
    const { code, stderr } = await runDeno(["fmt", "--quiet", "--line-width", "110", path]);
    if (code !== 0) throw new Error(stderr);
    return await Deno.readTextFile(path);
  } finally {
    await Deno.remove(path);
  }
}

if (import.meta.main) {
  await Deno.writeTextFile(`${ROOT}/${PATH}`, await configurationDocs());
  console.log(`${PATH} is up to date`);
}
