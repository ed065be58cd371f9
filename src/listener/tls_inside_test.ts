import assert from "node:assert/strict";
import { Certificates, FOR_LOOPBACK, hasOpenssl } from "../../tests/support/certificates.ts";
import { fingerprintOf, shownFingerprint } from "../../tests/support/tls_clients.ts";
import { TlsInside } from "./tls_inside.ts";

const ignore = !hasOpenssl;

interface Rig extends AsyncDisposable {
  readonly tls: TlsInside;
  readonly pairs: readonly { readonly cert: string; readonly key: string }[];
  /** A client comes: what it is shown, and the connection that it came on. */
  come(): Promise<{ shown: Promise<string>; socket: Deno.TcpConn }>;
}

/** With two certificates, of which the first is served. */
async function rig(): Promise<Rig> {
  await using certificates = await Certificates.begin();
  const [one, other] = await Promise.all([1, 2].map(() => certificates.make({ extensions: FOR_LOOPBACK })));
  assert(one && other);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const tls = new TlsInside(one);
  return {
    ...{ tls, pairs: [one, other] },
    async come() {
      const shown = shownFingerprint(listener.addr.port);
      return { shown, socket: await listener.accept() };
    },
    [Symbol.asyncDispose]() {
      tls.close();
      listener.close();
      return Promise.resolve();
    },
  };
}

Deno.test({
  name: "TlsInside.renew lets who is on the way come in, and shows the next one the other certificate",
  ignore,
  async fn() {
    await using inside = await rig();
    const [one, other] = inside.pairs;
    assert(one && other);
    const first = await inside.come();
    const under = inside.tls.over(first.socket);
    inside.tls.renew(other);
    const second = await inside.come();
    const both = [await under, await inside.tls.over(second.socket)];
    assert.deepEqual(
      await Promise.all([first.shown, second.shown]),
      [one, other].map(({ cert }) => fingerprintOf(cert)),
    );
    for (const { conn, ended } of both) {
      conn.close();
      await ended;
    }
  },
});

Deno.test({
  name: "TlsInside.renew changes nothing where the key does not fit",
  ignore,
  async fn() {
    await using inside = await rig();
    const [one, other] = inside.pairs;
    assert(one && other);
    assert.throws(() => inside.tls.renew({ cert: other.cert, key: one.key }), /KeyMismatch/);
    const { shown, socket } = await inside.come();
    const { conn, ended } = await inside.tls.over(socket);
    assert.equal(await shown, fingerprintOf(one.cert));
    conn.close();
    await ended;
  },
});

Deno.test({
  name: "TlsInside.close ends who waits to come in",
  ignore,
  async fn() {
    await using inside = await rig();
    const { shown, socket } = await inside.come();
    const refused = assert.rejects(shown);
    const under = assert.rejects(inside.tls.over(socket), Error);
    inside.tls.close();
    await under;
    socket.close();
    await refused;
  },
});
