import assert from "node:assert/strict";
import { readFlags } from "./flags.ts";
import { mergedFlags } from "./merged_flags.ts";

const merged = (earlier: string[], later: string[]) => mergedFlags(earlier, later, "0");

/** What a line means, in whatever order it says that. */
function meaning(line: readonly string[]) {
  const end = line.includes("--") ? line.indexOf("--") : line.length;
  return { flags: readFlags(line.slice(0, end), "0"), command: line.slice(end) };
}

Deno.test("mergedFlags has later flags take the place of earlier ones, by option and not by word", () => {
  const later = ["--port=2", "--no-stateful"];
  assert.deepEqual(
    meaning(merged(["--port", "1", "--stateful", "--stdio", "a b"], later)),
    meaning(["--stdio=a b", "--stateful=false", "--port=2"]),
  );
  assert.deepEqual(merged(["--env", "A=1", "--env", "B=2", "--", "x"], ["--env", "C=3"]), [
    "--env=C=3",
    "--",
    "x",
  ]);
});

Deno.test("mergedFlags has one server: the later one, however either is named", () => {
  const servers = [["--stdio", "a b"], ["https://h/mcp"], ["--sse", "https://h/sse"], [
    "--",
    "x",
    "--port",
    "7",
  ]];
  for (const earlier of servers) {
    for (const later of servers.filter((one) => one !== earlier)) {
      const [all, alone] = [merged(["--port", "1", ...earlier], later), merged(["--port", "1"], later)];
      assert.deepEqual(meaning(all), meaning(alone));
    }
    const [after, before] = [merged(earlier, ["--port", "1"]), merged(["--port", "1", ...earlier], [])];
    assert.deepEqual(meaning(after), meaning(before));
  }
});

Deno.test("mergedFlags keeps the file of a configuration until another one is named, or none", () => {
  for (const earlier of [["--config", "a.toml"], ["a.toml"], ["--no-config"]]) {
    assert.deepEqual(meaning(merged(earlier, ["--port", "1"])), meaning([...earlier, "--port", "1"]));
    for (const later of [["--config=b.toml"], ["b.toml"], ["--no-config"]]) {
      assert.deepEqual(meaning(merged(earlier, later)), meaning(later));
    }
  }
});

Deno.test("mergedFlags says every value so that it is read as it was", () => {
  const lines = [
    ["--cors"],
    ["--cors", "https://a.example", "/https://.*\\.b\\.example/"],
    ["--header", "X: a=b c", "--header", "Y: -1", "--outputTransport", "sse,ws"],
    ["--env", "A=\n'\"", "--allowedHost", "x", "--logLevel", "debug"],
    ["--tryAtStart", "--exit-on-failure=false", "--stateful=false"],
  ];
  for (const line of lines) {
    assert.deepEqual(meaning(merged(line, [])), meaning(line), `${line}`);
  }
});
