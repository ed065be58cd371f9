/** Configuration files that are refused, each with one mistake or a few; what is said of them is in bad_configurations.txt. */

export interface BadConfiguration {
  /** By which it stands in the list of messages. */
  readonly what: string;
  /** The kind of the file; TOML by default. */
  readonly extension?: string;
  readonly text: string;
}

/** The variables that are set: one of them, and it is never to be shown. */
export const VARIABLES = { TOKEN: "s3cret-of-a-variable", EMPTY: "" };

const SERVER = '[servers.files]\ncommand = "some-server"\n';

function toml(what: string, text: string): BadConfiguration {
  return { what, text };
}

function inServer(what: string, text: string): BadConfiguration {
  return toml(what, `${SERVER}${text}\n`);
}

function json(what: string, value: unknown): BadConfiguration {
  return { what, extension: "json", text: JSON.stringify(value, undefined, 2) };
}

export const BAD_CONFIGURATIONS: readonly BadConfiguration[] = [
  // --- the text ---
  toml("a text without an end", '[listen]\nhost = "local\n'),
  toml("a key that is there twice", "[listen]\nport = 1\nport = 2\n"),
  toml("a section that is there twice", `${SERVER}[listen]\nport = 1\n[listen]\nhost = "::1"\n`),
  {
    what: "YAML with a wrong indent",
    extension: "yaml",
    text: "servers:\n  a:\n    command: x\n   args: []\n",
  },
  {
    what: "YAML with a key twice",
    extension: "yaml",
    text: "servers:\n  a: {command: x}\n  a: {command: y}\n",
  },
  { what: "YAML with a tag of somebody's", extension: "yaml", text: "servers: {a: {command: !secret x}}\n" },
  { what: "JSON without a comma", extension: "json", text: '{\n  "listen": {}\n  "servers": {}\n}\n' },
  { what: "JSON with nothing in it", extension: "json", text: "" },
  { what: "a list in place of everything", extension: "yaml", text: "- command: x\n" },
  { what: "a list in place of everything, as JSON", extension: "json", text: "[]" },
  // --- sections ---
  toml("a section that is misspelt", `[timeout]\nrequest = "5s"\n${SERVER}`),
  toml("patterns of origins that backtrack", `${SERVER}[cors]\norigins = ["/(a+)+x/", "/https:.*/"]\n`),
  toml("a section that is another word", `[network]\nport = 1\n${SERVER}`),
  toml("keys in the section of authentication", `[auth]\nkeys = ["s3cret"]\n${SERVER}`),
  toml("tokens of nobody", `[auth]\nkinds = ["jwt"]\njwtAudience = ["a"]\n${SERVER}`),
  inServer("scopes without authentication", 'requiredScope = ["read"]'),
  toml("an option above all sections", `port = 9000\n${SERVER}`),
  toml("a name in a section that is misspelt", `[timeouts]\nrequets = "5s"\n${SERVER}`),
  toml("an option in the wrong section", `[listen]\nmaxSessions = 5\n${SERVER}`),
  toml("an option by the name of its flag", `[log]\nlogLevel = "debug"\n${SERVER}`),
  json("a section that is a text", { listen: "0.0.0.0:80", servers: { a: { command: "x" } } }),
  // --- values ---
  toml("a port that is none", `[listen]\nport = 65536\n${SERVER}`),
  toml("a truth in place of a number", `[listen]\nport = true\n${SERVER}`),
  toml("a fraction in place of a count", `[limits]\nmaxSessions = 1.5\n${SERVER}`),
  toml("a number in place of a text", `[listen]\nhost = 127001\n${SERVER}`),
  toml("a time without a form", `[timeouts]\nrequest = "a while"\n${SERVER}`),
  toml("a size without a form", `[limits]\nmaxBodySize = "4 megabytes"\n${SERVER}`),
  toml("a level that there is none of", `[log]\nlevel = "loud"\n${SERVER}`),
  toml("a switch that is a word", `[clients]\nstateful = "yes"\n${SERVER}`),
  toml("a list that is a number", `[cors]\norigins = 5\n${SERVER}`),
  toml("a list with one wrong value", `[cors]\norigins = ["https://a.example", "not an origin"]\n${SERVER}`),
  toml("names in commas, one of them wrong", `[clients]\noutputTransport = "sse, http"\n${SERVER}`),
  json("nothing in place of a value", { listen: { port: null }, servers: { a: { command: "x" } } }),
  toml("several wrong values", `[listen]\nport = -1\nhost = "a b"\n[log]\nformat = "xml"\n${SERVER}`),
  // --- rules ---
  toml("a certificate without a key", `[tls]\ncert = "c.pem"\n${SERVER}`),
  toml("a time beyond its bound", `[timeouts]\nrequest = "2m"\nmaxRequestTime = "1m"\n${SERVER}`),
  inServer("a time of one server beyond its bound", 'requestTimeout = "48h"'),
  toml("two routes on one path", `[clients]\nssePath = "/mcp"\n${SERVER}`),
  inServer("more children ahead than there may be", 'maxChildren = 2\nprewarm = 2\nchildren = "session"'),
  inServer("a bearer token for a command", 'oauth2Bearer = "s3cret"'),
  toml(
    "a path of health below a server",
    `[clients]\nhealthEndpoint = ["/a/mcp"]\n[servers.a]\ncommand = "x"\n[servers.b]\ncommand = "y"\n`,
  ),
  toml(
    "two servers on one stdin",
    `[clients]\noutputTransport = ["stdio"]\n[servers.a]\ncommand = "x"\n[servers.b]\nurl = "https://host/"\n`,
  ),
  // --- servers ---
  toml("servers that are a list", '[[servers]]\nname = "a"\ncommand = "x"\n'),
  json("a server that is a text", { servers: { a: "npx -y some-server" } }),
  toml("a server without anything", "[servers.a]\n"),
  toml("a server with too much", '[servers.a]\ncommand = "x"\nurl = "https://host/"\n'),
  toml("a URL of another kind", '[servers.a]\nurl = "ftp://s3cret@host/"\n'),
  toml("a URL that does not fit its type", '[servers.a]\ntype = "ws"\nurl = "https://host/s3cret"\n'),
  toml("a type that there is none of", '[servers.a]\ntype = "grpc"\nurl = "https://host/"\n'),
  toml("a type that is for commands", '[servers.a]\ntype = "stdio"\nurl = "https://host/"\n'),
  toml("a type that is for remotes", '[servers.a]\ntype = "sse"\ncommand = "x"\n'),
  toml("two types", '[servers.a]\ntype = "sse"\ntransport = "ws"\nurl = "https://host/"\n'),
  toml("a command that is a number", "[servers.a]\ncommand = 3\n"),
  toml("a command that is empty", '[servers.a]\ncommand = ""\n'),
  toml("a command with a quote too many", '[servers.a]\ncommand = "x \'s3cret"\n'),
  inServer("arguments that are a text", 'args = "-y s3cret"'),
  inServer("arguments in arguments", 'args = ["-y", ["s3cret"]]'),
  inServer("a variable that is a table", "env = { A = { b = 1 } }"),
  inServer("variables that are a list, one of them wrong", 'env = ["A=1", "s3cret"]'),
  inServer("variables that are a number", "env = 5"),
  inServer("variables with names that are none", 'env = { "A B" = "s3cret", "C=D" = "s3cret" }'),
  toml(
    "a header that is none",
    '[servers.a]\nurl = "https://host/"\nheaders = { "X Y" = "s3cret", Z = "" }\n',
  ),
  inServer("a key that is misspelt", 'requestTimout = "5s"'),
  inServer("a key of all servers", "port = 9000"),
  inServer("a description that is a number", "description = 5"),
  inServer("a key that nobody knows", 'colour = "blue"'),
  toml(
    "a name that fits in no route",
    '[servers."my files"]\ncommand = "x"\n[servers."../x"]\ncommand = "x"\n',
  ),
  toml("a name that is too long", `[servers.${"a".repeat(65)}]\ncommand = "x"\n`),
  toml("names of our own routes", '[servers.health]\ncommand = "x"\n[servers.MCP]\ncommand = "x"\n'),
  json("servers under two names", { servers: {}, mcpServers: { a: { command: "x" } } }),
  toml(
    "mistakes in several servers",
    '[servers.a]\ncommand = "x"\nrequestTimeout = "x"\n[servers.b]\nurl = "b"\nmaxSessions = 0\n' +
      '[servers.c]\ncommand = "y"\nrestart = "sometimes"\n',
  ),
  // --- what stands for something else ---
  inServer("a variable that is not set", 'env = { A = "${NOPE}" }'),
  inServer(
    "variables that are not set in several places",
    'args = ["${NOPE}", "${NOPE_2}"]\ncwd = "${NOPE_3}"',
  ),
  inServer("a variable that is no number", 'maxSessions = "${TOKEN}"'),
  inServer("a variable in the middle of what is wrong", 'protocolVersion = "x${TOKEN}y"'),
  toml("a variable that is no URL", '[servers.a]\nurl = "${TOKEN}"\n'),
  inServer("what is no variable", 'args = ["${A:?s}", "${", "${1}"]'),
  json("an input of an editor", {
    inputs: [{ id: "api-key", type: "promptString" }],
    servers: { a: { command: "x", env: { KEY: "${input:api-key}" } } },
  }),
  inServer("a file that is not there", 'env = { A = { file = "gone.txt" } }'),
  inServer("a folder in place of a file", 'env = { A = { file = "." } }'),
  toml("a file where a path is meant", `[tls]\ncert = { file = "c.pem" }\nkey = "k.pem"\n${SERVER}`),
];
