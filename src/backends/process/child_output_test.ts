import assert from "node:assert/strict";
import { ChildOutput } from "./child_output.ts";

function spawn(script: string): { output: ChildOutput; child: Deno.ChildProcess } {
  const command = new Deno.Command("sh", { args: ["-c", script], stdin: "piped", stdout: "piped" });
  const child = command.spawn();
  return { output: new ChildOutput(child.stdout), child };
}

Deno.test("ChildOutput reads all that a child says, then the end, and the end again", async () => {
  const { output, child } = spawn("head -c 300000 /dev/zero | tr '\\0' x");
  let text = "";
  const decoder = new TextDecoder();
  for (let bytes = await output.read(); bytes; bytes = await output.read()) text += decoder.decode(bytes);
  assert.equal(text, "x".repeat(300_000));
  assert.equal(await output.read(), undefined);
  await child.stdin.close();
  await child.status;
});

Deno.test("ChildOutput ends for who waits when it is cancelled", async () => {
  const { output, child } = spawn("cat");
  const waiting = output.read();
  await output.cancel();
  assert.equal(await waiting, undefined);
  assert.equal(await output.read(), undefined);
  await child.stdin.close();
  await child.status;
});
