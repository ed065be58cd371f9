import assert from "node:assert/strict";
import { isSameProcess, startOf } from "./process_identity.ts";

/** Beyond what systems have as the highest number. */
const NOBODY = 2 ** 22 + 1;

Deno.test("isSameProcess tells a process from another one that has its number", () => {
  const start = startOf(Deno.pid);
  assert(start);
  assert(isSameProcess(Deno.pid, start));
  assert(!isSameProcess(Deno.pid, startOf(1)));
  assert(!isSameProcess(Deno.pid, `${start}0`));
  assert(!isSameProcess(NOBODY, start));
  assert(!isSameProcess(NOBODY, undefined));
});

Deno.test("isSameProcess goes by the number alone where nobody knows when the process began", () => {
  assert(isSameProcess(Deno.pid, undefined));
  assert(isSameProcess(Deno.pid, "sundial noon"));
});

Deno.test({
  name: "isSameProcess compares with the source that the time came from",
  ignore: Deno.build.os !== "linux",
  fn() {
    const { stdout } = new Deno.Command("ps", {
      args: ["-o", "lstart=", "-p", `${Deno.pid}`],
      env: { LC_ALL: "C", TZ: "UTC" },
    }).outputSync();
    const began = new TextDecoder().decode(stdout).trim().replace(/\s+/g, " ");
    assert(isSameProcess(Deno.pid, `ps ${began}`));
    assert(!isSameProcess(Deno.pid, "ps Thu Jan 1 00:00:00 1970"));
  },
});

Deno.test({
  name: "isSameProcess counts a zombie as gone",
  ignore: Deno.build.os === "windows",
  async fn() {
    // The shell that is to collect its child has become something that does not.
    const parent = new Deno.Command("/bin/sh", {
      args: ["-c", "true & echo $!; exec sleep 1000"],
      stdout: "piped",
    }).spawn();
    const reader = parent.stdout.getReader();
    const { value } = await reader.read();
    const pid = Number(new TextDecoder().decode(value));
    while (isSameProcess(pid, undefined) && startOf(pid) !== undefined) await Promise.resolve();
    assert.equal(startOf(pid), undefined);
    assert(!isSameProcess(pid, "proc 1 2"));
    parent.kill("SIGKILL");
    await parent.status;
    await reader.cancel();
  },
});
