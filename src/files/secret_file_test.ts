import assert from "node:assert/strict";
import { modeFault, readSecretFile } from "./secret_file.ts";

const [ROOT, US, OTHER] = [0, 1000, 1001];

Deno.test("modeFault lets a file be used by its owner, and be read by the group that root has given it to", () => {
  for (const mode of [0o600, 0o400, 0o100600, 0o700]) {
    assert.equal(modeFault({ mode, uid: US }, US), undefined, mode.toString(8));
  }
  for (const mode of [0o640, 0o440]) {
    assert.equal(modeFault({ mode, uid: ROOT }, US), undefined, mode.toString(8));
    // Nobody has given it to somebody there.
    for (const [uid, us] of [[US, US], [OTHER, US], [ROOT, ROOT]] as const) {
      assert.match(modeFault({ mode, uid }, us) ?? "", /others than its owner may use it \(mode 0.40\)/);
    }
  }
  for (const mode of [0o644, 0o604, 0o602, 0o601, 0o660, 0o620, 0o650]) {
    assert.match(
      modeFault({ mode, uid: ROOT }, US) ?? "",
      /expected mode 600 \(chmod 600\)$/,
      mode.toString(8),
    );
  }
  // Windows does not tell.
  assert.equal(modeFault({ mode: null, uid: null }, null), undefined);
});

Deno.test({
  name: "readSecretFile looks at what a link leads to, and says where a mounted file has its mode from",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      // As the kubelet does.
      await Deno.mkdir(`${folder}/..2026_11_28`);
      await Deno.writeTextFile(`${folder}/..2026_11_28/token`, "t0ken");
      await Deno.symlink("..2026_11_28", `${folder}/..data`);
      await Deno.symlink("..data/token", `${folder}/token`);
      await Deno.chmod(`${folder}/..2026_11_28/token`, 0o644);
      assert.deepEqual(readSecretFile(`${folder}/token`), {
        fault:
          "others than its owner may use it (mode 0644), and it holds secrets; expected mode 600 (chmod 600) " +
          "(defaultMode 0400 of the volume that it is mounted from)",
      });
      await Deno.chmod(`${folder}/..2026_11_28/token`, 0o400);
      assert.deepEqual(readSecretFile(`${folder}/token`), { text: "t0ken" });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
