import assert from "node:assert/strict";
import * as jose from "jose";
import { fileKeys } from "./file_keys.ts";

Deno.test({
  name: "fileKeys believes no file that others may write",
  ignore: Deno.build.os === "windows",
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      const { publicKey } = await jose.generateKeyPair("ES256");
      await Deno.writeTextFile(path, JSON.stringify({ keys: [await jose.exportJWK(publicKey)] }));
      const open = () => fileKeys(path, { jose, onTrouble: () => {} });
      for (const mode of [0o666, 0o664, 0o646]) {
        await Deno.chmod(path, mode);
        assert.throws(open, { message: /^others than its owner may write it .*: chmod 644 it$/ });
      }
      // Keys to verify with are no secret.
      await Deno.chmod(path, 0o644);
      assert(open().current());
    } finally {
      await Deno.remove(path);
    }
  },
});
