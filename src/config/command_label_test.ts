import assert from "node:assert/strict";
import { commandLabel, commandText, shellLabel } from "./command_label.ts";

Deno.test("commandLabel joins the words", () => {
  assert.equal(commandLabel(["npx", "-y", "some-server", "/data"]), "npx -y some-server /data");
});

Deno.test("commandLabel cuts a long command", () => {
  const label = commandLabel(["npx", "x".repeat(100)]);
  assert.equal(label.length, 60);
  assert.match(label, /x…$/);
});

Deno.test("commandLabel is one printable line", () => {
  assert.equal(commandLabel(["a\nb", "\x1b[31mc", "\u202ed"]), "a b ?[31mc ?d");
});

Deno.test("commandLabel leaves out what looks like a secret", () => {
  const cases: [string[], string][] = [
    [["npx", "s", "--api-key", "S3"], "npx s --api-key ***"],
    [["npx", "s", "--apiKey=S3", "-v"], "npx s --apiKey=*** -v"],
    [["docker", "run", "-e", "API_KEY=S3", "image"], "docker run -e API_KEY=*** image"],
    [["s", "--env=GITHUB_TOKEN=S3"], "s --env=GITHUB_TOKEN=***"],
    [["s", "--header", "X-Custom: S3"], "s --header X-Custom: ***"],
    [["s", "Authorization:", "S3"], "s Authorization: ***"],
    [["s", "postgres://me:S3@host/db"], "s postgres://***@host/db"],
    [["s", "https://host/mcp?key=S3"], "s https://host/mcp?***"],
    [["s", "--config", '{"x":"S3"}'], "s --config ***"],
  ];
  for (const [words, label] of cases) assert.equal(commandLabel(words), label);
});

Deno.test("commandLabel keeps flags that follow a flag with a secret name", () => {
  assert.equal(commandLabel(["s", "--no-auth", "--port", "1"]), "s --no-auth --port 1");
});

Deno.test("shellLabel shows a line up to its first quote", () => {
  assert.equal(shellLabel("cd /srv && npx server | tee log"), "cd /srv && npx server | tee log");
  assert.equal(shellLabel(`TOKEN=S3 npx server -H "Authorization: Bearer S3"`), "TOKEN=*** npx server -H …");
  assert.equal(shellLabel(`"$SERVER" S3`), "sh -c …");
});

Deno.test("commandText shows all of a command as a shell would take it, without secrets", () => {
  const path = `/${"long/".repeat(30)}server`;
  assert.equal(commandText([path, "a b", "--n=1", "$HOME"]), `${path} 'a b' --n=1 '$HOME'`);
  assert.equal(commandText(["server", "--api-key", "secret value", "x"]), "server --api-key '***' x");
  assert.equal(commandText(["server", "x".repeat(2_000)]).length, 1_000);
});
