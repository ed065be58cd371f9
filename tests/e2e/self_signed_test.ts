/** A certificate that Keystone makes itself: what clients see of it, and that it lasts. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { writePrivately } from "../../src/files/private_file.ts";
import { DAY_MS } from "../../src/tls/certificate.ts";
import { makeSelfSigned } from "../../src/tls/self_signed.ts";
import { hasOpenssl } from "../support/certificates.ts";
import { Daemons } from "../support/daemon.ts";
import { runKeystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { printedBy } from "../support/programs.ts";
import { fingerprintOf, shownFingerprint } from "../support/tls_clients.ts";

interface State extends AsyncDisposable {
  readonly env: Record<string, string>;
  readonly cert: string;
  readonly key: string;
}

async function stateFolder(): Promise<State> {
  const folder = await Deno.makeTempDir({ prefix: "keystone-state-" });
  await Deno.chmod(folder, 0o700).catch(() => {});
  return {
    env: { KEYSTONE_STATE_DIR: folder },
    cert: `${folder}/tls/cert.pem`,
    key: `${folder}/tls/key.pem`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("--tlsSelfSigned serves with a certificate for this machine, which is kept, and whose fingerprint is told", async () => {
  await using state = await stateFolder();
  const { env } = state;
  const seen: string[] = [];
  for (const flags of [[], [], ["--host", "localhost"]]) {
    await using keystone = await startKeystone(["--tlsSelfSigned", ...flags], { server: SCRIPTED, env });
    const cert = await Deno.readTextFile(state.cert);
    const fingerprint = fingerprintOf(cert);
    assert.match(keystone.stdout, new RegExp(`^  Certificate +SHA-256 ${fingerprint}$`, "m"));
    await keystone.logged(new RegExp(`INF The certificate vouches.*fingerprint=${fingerprint} `));
    if (flags.length === 0) assert.equal(await shownFingerprint(keystone.port), fingerprint);
    using client = Deno.createHttpClient({ caCerts: [cert] });
    for (const host of ["127.0.0.1", "localhost"].slice(flags.length / 2)) {
      const answer = await fetch(`https://${host}:${keystone.port}/health`, { client });
      assert.equal((await answer.json()).tls.fingerprint, fingerprint);
    }
    seen.push(fingerprint);
  }
  assert.equal(new Set(seen).size, 1);
  const certificate = new X509Certificate(await Deno.readTextFile(state.cert));
  for (const address of ["127.0.0.1", "::1"]) assert(certificate.checkIP(address), address);
  for (const name of ["localhost", Deno.hostname()]) assert(certificate.checkHost(name), name);
  if (Deno.build.os !== "windows") assert.equal((await Deno.stat(state.key)).mode! & 0o777, 0o600);
});

Deno.test({
  name: "a certificate that keystone makes is one that openssl verifies, for each of its names",
  ignore: !hasOpenssl,
  async fn() {
    await using state = await stateFolder();
    await using keystone = await startKeystone(["--tlsSelfSigned"], { server: SCRIPTED, env: state.env });
    const openssl = (...args: string[]) => printedBy("openssl", ...args);
    assert.match(await openssl("verify", "-x509_strict", "-CAfile", state.cert, state.cert) ?? "", /: OK\n$/);
    const names = [["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]];
    for (const name of names) {
      const said = await openssl(
        "verify",
        "-purpose",
        "sslserver",
        ...name,
        "-CAfile",
        state.cert,
        state.cert,
      );
      assert.match(said ?? "", /: OK\n$/, name.join(" "));
    }
    const to = ["-connect", `127.0.0.1:${keystone.port}`, "-CAfile", state.cert];
    const said = await openssl("s_client", ...to, "-verify_return_error", "-verify_ip", "127.0.0.1");
    assert.match(said ?? "", /Verification: OK/);
  },
});

Deno.test("a certificate that keystone has made is made anew before it ends, while it is served", async () => {
  await using state = await stateFolder();
  const options = { server: SCRIPTED, env: state.env, leapMs: 24 * 3_600_000 };
  await using keystone = await startKeystone(["--tlsSelfSigned"], options);
  const ending = makeSelfSigned({ names: ["127.0.0.1"], validMs: 20 * DAY_MS });
  await writePrivately(state.key, ending.key);
  await writePrivately(state.cert, ending.cert);
  await keystone.logged(/New connections have another certificate.* daysLeft=(19|20) /);
  await keystone.leap();
  await keystone.logged(/New connections have another certificate.* daysLeft=36[45] /);
  const fingerprint = fingerprintOf(await Deno.readTextFile(state.cert));
  assert.equal(await shownFingerprint(keystone.port), fingerprint);
});

Deno.test("keystone status tells how long the certificate is good", async () => {
  await using daemons = await Daemons.create();
  const { urls } = await daemons.start("--tlsSelfSigned", "--", ...SCRIPTED);
  assert.match(urls[0] ?? "", /^https:/);
  const { stdout } = await daemons.run("status");
  assert.match(stdout, /^tls +the certificate has 36[45] days left, until 20\d\d-\S+Z$/m);
  const { certificate } = JSON.parse((await daemons.run("status", "--json")).stdout);
  const cert = await Deno.readTextFile(daemons.path("tls/cert.pem"));
  assert.deepEqual([certificate.fingerprint, certificate.selfSigned], [fingerprintOf(cert), true]);
  assert([364, 365].includes(certificate.daysLeft));
  await daemons.run("stop");
});

Deno.test({
  name: "--tlsSelfSigned refuses a key that others may read, and a folder that cannot be had",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using state = await stateFolder();
    const { env } = state;
    await using _once = await startKeystone(["--tlsSelfSigned"], { server: SCRIPTED, env });
    await Deno.chmod(state.key, 0o644);
    const open = await runKeystone(["--tlsSelfSigned", "--port", "0"], { server: SCRIPTED, env });
    assert.equal(open.code, 2);
    assert.match(
      open.stderr,
      /^keystone: --tlsSelfSigned ".+tls": others than its owner may use it .*\(chmod 600\)\n$/,
    );
    await Deno.remove(`${env["KEYSTONE_STATE_DIR"]}/tls`, { recursive: true });
    await Deno.writeTextFile(`${env["KEYSTONE_STATE_DIR"]}/tls`, "");
    const taken = await runKeystone(["--tlsSelfSigned", "--port", "0"], { server: SCRIPTED, env });
    assert.equal(taken.code, 2);
    assert.match(taken.stderr, /^keystone: --tlsSelfSigned ".+tls": \S.*\n$/);
  },
});
