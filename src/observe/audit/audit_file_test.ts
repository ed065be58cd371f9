import assert from "node:assert/strict";
import { ConfigError } from "../../core/errors.ts";
import { openAudit } from "./audit_file.ts";

const LIMITS = { maxBytes: 1_000, keep: 1 };

Deno.test("openAudit leaves nothing beside a file that holds something else", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/README.md`;
    await Deno.writeTextFile(path, "# Hello\n", { mode: 0o600 });
    await assert.rejects(
      openAudit(path, LIMITS),
      /its last line is none of an audit log; name another file$/,
    );
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["README.md"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "openAudit takes no file that others may use, and makes one for its owner alone",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/audit.log`;
    const open = async () => {
      const { file, release } = await openAudit(path, LIMITS);
      file.close();
      release();
    };
    try {
      await open();
      assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
      for (const mode of [0o644, 0o640, 0o620, 0o602]) {
        await Deno.chmod(path, mode);
        await assert.rejects(open, (error: Error) => {
          assert(error instanceof ConfigError);
          assert.match(
            error.message,
            /^--auditLog ".*": others than its owner may use it \(mode 06\d\d\): chmod 600 it$/,
          );
          return true;
        });
        assert.equal((await Deno.stat(path)).mode! & 0o777, mode);
      }
      await Deno.chmod(path, 0o600);
      await open();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("openAudit says that another gateway has the file, also while that one is in the midst of a line", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/audit.log`;
    const { file, release } = await openAudit(path, LIMITS);
    for (const text of ["", '{"seq":1,"ti\n']) {
      await Deno.writeTextFile(path, text, { append: true });
      await assert.rejects(openAudit(path, LIMITS), /another gateway writes to it; name another file/);
    }
    file.close();
    release();
    await assert.rejects(openAudit(path, LIMITS), /its last line is none of an audit log/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
