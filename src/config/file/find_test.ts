import assert from "node:assert/strict";
import { parsed } from "../../../tests/support/config.ts";
import { configFolder } from "../../../tests/support/config_folder.ts";
import { findConfigurationFile, type FindOptions, userFolders } from "./find.ts";

const LINUX = { os: "linux", home: "/home/me", variables: {} } as const;

function found(files: readonly string[], options: Partial<FindOptions> = {}) {
  return findConfigurationFile({
    ...LINUX,
    cwd: "/project",
    exists: (path) => files.includes(path),
    ...options,
  });
}

Deno.test("findConfigurationFile takes the one of the working directory before one of the user", () => {
  const user = "/home/me/.config/keystone/keystone.json";
  assert.equal(found([user, "/project/keystone.yml"])?.path, "keystone.yml");
  assert.equal(found([user])?.path, user);
  assert.equal(found(["/project/other.toml", "/keystone.toml"]), undefined);
});

Deno.test("findConfigurationFile takes the first of several, and says which it does not read", () => {
  const names = ["toml", "yaml", "yml", "json", "jsonc"].map((extension) => `keystone.${extension}`);
  for (const [at, name] of names.entries()) {
    const { path, warnings } = found(names.slice(at).map((name) => `/project/${name}`).reverse())!;
    assert.equal(path, name);
    assert.deepEqual(warnings, names.slice(at + 1).map((other) => `${other} is not read, since ${name} is`));
  }
});

Deno.test("userFolders are those of each system", () => {
  assert.deepEqual(userFolders(LINUX), ["/home/me/.config/keystone"]);
  assert.deepEqual(userFolders({ ...LINUX, variables: { XDG_CONFIG_HOME: "/xdg" } }), ["/xdg/keystone"]);
  assert.deepEqual(userFolders({ ...LINUX, os: "darwin" }), [
    "/home/me/.config/keystone",
    "/home/me/Library/Application Support/keystone",
  ]);
  const [windows = ""] = userFolders({ ...LINUX, os: "windows", variables: { APPDATA: "C:/Data" } });
  assert.match(windows, /^C:.Data.keystone$/);
  assert.deepEqual(userFolders({ ...LINUX, home: undefined }), []);
});

const SERVERS = { servers: { one: { command: "of-the-file" }, two: { url: "https://h/" } } };

Deno.test("parseArgs reads the file that it finds, the one that is named, or none", async () => {
  await using folder = await configFolder({
    "keystone.json": SERVERS,
    "other.json": { listen: { port: 1 }, servers: { three: { command: "x" } } },
    "home/.config/keystone/keystone.toml": "[listen]\nport = 2\n",
  });
  const names = async (
    argv: string[],
    variables = {},
  ) => [...(await folder.parse(argv, variables)).config.servers.keys()];
  assert.deepEqual(await names([]), ["one", "two"]);
  for (
    const line of [["--config", "other.json"], ["--config=other.json"], ["other.json"], ["./other.json"]]
  ) {
    assert.deepEqual(await names(line), ["three"], line.join(" "));
  }
  assert.deepEqual(await names([], { KEYSTONE_CONFIG: "other.json" }), ["three"]);
  assert.deepEqual(await names(["other.json"], { KEYSTONE_CONFIG: "gone.json" }), ["three"]);
  assert.match(await folder.refusal(["--no-config"]), /^No server given/);
  assert.match(await folder.refusal(["--no-config"], { KEYSTONE_CONFIG: "other.json" }), /^No server given/);
  await Deno.remove(`${folder.path}/keystone.json`);
  assert.equal((await folder.parse(["--stdio", "x"])).config.process.listen.port, 2);
});

Deno.test("parseArgs refuses two files, and one that cannot be read", async () => {
  await using folder = await configFolder({ "a.json": SERVERS, "b.toml": "", "c.txt": "" });
  const refusals: readonly (readonly [line: string[], says: RegExp])[] = [
    [
      ["--config", "a.json", "--config", "b.toml"],
      /^--config: expected one file, but a.json and b.toml are given$/,
    ],
    [["--config", "a.json", "b.toml"], /^--config: expected one file, but a.json and b.toml are given$/],
    [["--no-config", "a.json"], /^--config: expected one file, but a.json and --no-config are given$/],
    [
      ["--config", "a.json", "--no-config"],
      /^--config: expected one file or --no-config, but both are given$/,
    ],
    [["--no-config", "--config=a.json"], /^--config: expected one file or --no-config, but both are given$/],
    [["--config"], /^--config: expected <file> after it$/],
    [["--config", "gone.json"], /^gone.json: there is no such file$/],
    [["--config", "."], /^\.: expected a file whose name ends in \.toml, /],
    [["--config", "c.txt"], /^c.txt: expected a file whose name ends in \.toml, /],
    [["a.json", "b"], /^Unexpected argument "b": /],
    [["https://h/", "a.json"], /^Unexpected argument "a.json": /],
  ];
  for (const [line, says] of refusals) assert.match(await folder.refusal(line), says, line.join(" "));
});

Deno.test("parseArgs lets a server that is given take the place of those of a file that was only found", async () => {
  const broken = { ...SERVERS, listen: { port: 5 } };
  await using folder = await configFolder({
    "keystone.json": { ...broken, servers: { ...SERVERS.servers, three: { command: "${NOPE}", colour: 1 } } },
  });
  for (
    const [line, name] of [[["--stdio", "cat"], "--stdio"], [["--", "cat"], "a command after --"]] as const
  ) {
    const { config, warnings } = await folder.parse(line);
    assert.deepEqual([...config.servers.keys()], ["cat"]);
    assert.equal(config.process.listen.port, 5);
    assert.deepEqual(warnings, [
      `${name} takes the place of the servers of keystone.json (one, two, three), whose other settings count`,
    ]);
  }
  const { warnings } = await folder.parse([], { KEYSTONE_STDIO: "x" });
  assert.match(warnings[0] ?? "", /^KEYSTONE_STDIO takes the place/);
});

Deno.test("parseArgs refuses a server beside those of a file that somebody has named", async () => {
  await using folder = await configFolder({ "a.json": SERVERS, "none.json": { listen: { port: 6 } } });
  assert.equal(
    await folder.refusal(["--config", "a.json", "--stdio", "x"]),
    "More than one server given, --stdio and those of a.json (one, two): expected one or the other",
  );
  assert.match(await folder.refusal(["a.json"], { KEYSTONE_WS: "ws://h/" }), /given, KEYSTONE_WS and those/);
  assert.equal((await folder.parse(["--config", "none.json", "--stdio", "x"])).config.process.listen.port, 6);
});

Deno.test("parseArgs looks for no other file than the one before, and for none where there was none", async () => {
  await using folder = await configFolder({ "keystone.toml": "", "keystone.json": SERVERS });
  const namesOf = async (file: string | false) => {
    const outcome = await parsed(["--stdio", "x"], { ...folder.around(), file });
    return outcome.file?.path;
  };
  assert.equal(await namesOf("keystone.json"), "keystone.json");
  assert.equal(await namesOf(false), undefined);
  assert.equal((await folder.parse(["--stdio", "x"])).file?.path, "keystone.toml");
});
