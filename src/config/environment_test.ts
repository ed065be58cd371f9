import assert from "node:assert/strict";
import { NOWHERE, parsed, refusalOf } from "../../tests/support/config.ts";
import { environmentLayer, knownVariables, unknownVariables, variableOf } from "./environment.ts";
import { findOption, optionEntries } from "./options.ts";

type Variables = Readonly<Record<string, string>>;

function values(variables: Variables) {
  return environmentLayer(variables).values;
}

async function run(argv: readonly string[], variables: Variables) {
  return await parsed(argv, { variables });
}

Deno.test("environmentLayer has a variable of its own for every option", () => {
  const names = optionEntries().map(([key]) => variableOf(key));
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^KEYSTONE_[A-Z][A-Z0-9_]*$/);
  assert.deepEqual(["maxSessions", "oauth2BearerFile", "ws"].map(variableOf), [
    "KEYSTONE_MAX_SESSIONS",
    "KEYSTONE_OAUTH2_BEARER_FILE",
    "KEYSTONE_WS",
  ]);
  for (const [key] of optionEntries()) {
    const given = values({ [variableOf(key)]: "x" })[key];
    assert.deepEqual(given, findOption(key)?.list ? ["x"] : "x", key);
  }
});

Deno.test("environmentLayer takes no other variable, and an empty one for none", () => {
  assert.deepEqual(values({ PORT: "1", KEYSTONE_PORT: " ", KEYSTONE_HOST: "", keystone_port: "2" }), {});
});

Deno.test("environmentLayer parts lists at commas or lines, and at lines alone where a value may have commas", () => {
  const lists = values({
    KEYSTONE_OUTPUT_TRANSPORT: "sse, ws",
    KEYSTONE_CORS: "https://a.example,https://b.example",
    KEYSTONE_ALLOWED_HOST: "\na.example\n b.example \n",
    KEYSTONE_ALLOWED_ORIGIN: "/a{1,2}/\n",
    KEYSTONE_ENV: "A=1,2\nB=3",
    KEYSTONE_HEADER: "Accept: a, b\nX: y",
    KEYSTONE_ALLOW_TOOLS: "{read,list}_*\nget_*",
  });
  assert.deepEqual(lists, {
    outputTransport: ["sse", "ws"],
    cors: ["https://a.example", "https://b.example"],
    allowedHost: ["a.example", "b.example"],
    allowedOrigin: ["/a{1,2}/"],
    env: ["A=1,2", "B=3"],
    header: ["Accept: a, b", "X: y"],
    allowTools: ["{read,list}_*", "get_*"],
  });
});

Deno.test("environmentLayer takes 1 and 0 for a switch, as many tools do, and for a number as they are", () => {
  assert.deepEqual(values({ KEYSTONE_STATEFUL: "1", KEYSTONE_TRY_AT_START: "0", KEYSTONE_PREWARM: "1" }), {
    stateful: "true",
    tryAtStart: "false",
    prewarm: "1",
  });
});

Deno.test("parseArgs serves what the environment names", async () => {
  const { config, origins } = await run([], { KEYSTONE_STDIO: "some-server --flag", KEYSTONE_PORT: "9001" });
  assert.deepEqual([...config.servers.keys()], ["some-server"]);
  assert.equal(config.process.listen.port, 9001);
  assert.equal(origins.get("port"), "environment");
});

Deno.test("parseArgs lets a server on the command line go before one in the environment", async () => {
  const variables = { KEYSTONE_STDIO: "of-the-environment" };
  for (const line of [["--stdio", "b"], ["--", "b"], ["--ws", "ws://b/"], ["https://b/"]]) {
    assert.deepEqual([...(await run(line, variables)).config.servers.keys()], ["b"], line.join(" "));
  }
  const message = await refusalOf([], { variables: { ...variables, KEYSTONE_SSE: "http://b/" } });
  assert.match(
    message,
    /^More than one server given, KEYSTONE_STDIO and KEYSTONE_SSE: expected exactly one$/,
  );
});

Deno.test("parseArgs names a variable whose value is wrong, and shows no secret", async () => {
  const variables = { KEYSTONE_MAX_SESSIONS: "many", KEYSTONE_ENV: "s3cret", KEYSTONE_HEADER: "s3cret" };
  const message = await refusalOf(["--stdio", "x"], { variables });
  assert.match(message, /^KEYSTONE_ENV: expected KEY=VALUE/m);
  assert.match(message, /^KEYSTONE_MAX_SESSIONS "many": expected a whole number of at least 1$/m);
  assert.match(message, /^KEYSTONE_HEADER: expected "Name: value"/m);
  assert.doesNotMatch(message, /s3cret/);
});

Deno.test("unknownVariables tells of each variable that looks like one of ours, with the one that was meant", () => {
  assert.deepEqual(
    unknownVariables({
      KEYSTONE_MAX_SESSION: "5",
      KEYSTONE_COLOUR: "s3cret",
      KEYSTONE_PORT: "1",
      // Of the file that unpacks itself.
      KEYSTONE_CACHE: "/opt/keystone",
      OTHER: "x",
    }),
    [
      "KEYSTONE_COLOUR: no option has this name",
      "KEYSTONE_MAX_SESSION: no option has this name, did you mean KEYSTONE_MAX_SESSIONS?",
    ],
  );
  assert(knownVariables().includes("KEYSTONE_CONFIG"));
});

Deno.test("parseArgs warns of an unknown variable and goes on", async () => {
  const { warnings } = await run(["--stdio", "x"], { KEYSTONE_PROT: "1" });
  assert.deepEqual(warnings, ["KEYSTONE_PROT: no option has this name"]);
});

Deno.test("environmentLayer leaves alone what Kubernetes sets beside a service that is called keystone", () => {
  const ofKubernetes = {
    KEYSTONE_PORT: "tcp://10.0.0.7:8000",
    KEYSTONE_SERVICE_HOST: "10.0.0.7",
    KEYSTONE_SERVICE_PORT: "8000",
    KEYSTONE_SERVICE_PORT_HTTP: "8000",
    KEYSTONE_PORT_8000_TCP: "tcp://10.0.0.7:8000",
    KEYSTONE_PORT_8000_TCP_ADDR: "10.0.0.7",
  };
  assert.deepEqual(values(ofKubernetes), {});
  assert.deepEqual(unknownVariables(ofKubernetes), []);
});

Deno.test("parseArgs puts variables into headers and the server's environment, of flags and of variables", async () => {
  const variables = { TOKEN: "s3cret", KEYSTONE_ENV: "A=x${TOKEN}" };
  const line = [
    "--env",
    "B=${TOKEN}-$TOKEN",
    "--env",
    "C=$${TOKEN}",
    "--env",
    "D=${TOKEN:-no}",
    "--env",
    "E=${NOPE:-a b}${EMPTY:-}$${NOPE:-x}",
    "--",
    "x",
  ];
  const [server] = (await run(line, variables)).config.servers.values();
  assert.deepEqual(server?.env, {
    A: "xs3cret",
    B: "s3cret-$TOKEN",
    C: "${TOKEN}",
    D: "s3cret",
    E: "a b${NOPE:-x}",
  });
  const [remote] = (await run(["https://h/", "--header", "X: ${TOKEN}"], variables)).config.servers.values();
  assert.deepEqual(remote?.headers, [["X", "s3cret"]]);
});

Deno.test("parseArgs leaves a variable that is not set as it is in a flag, and warns", async () => {
  const { config, warnings } = await run(["--env", "A=${NOPE}", "--stdio", "x ${NOPE}"], {});
  assert.equal([...config.servers.values()][0]?.env.A, "${NOPE}");
  assert.deepEqual(warnings, ["--env: ${NOPE} stays as it is, since the variable NOPE is not set"]);
});

Deno.test("parseArgs reads nothing of the environment where there is none", async () => {
  assert.deepEqual(NOWHERE.variables, {});
  assert.match(await refusalOf([]), /^No server given/);
});
