/** Another certificate while the gateway runs: who is connected notices nothing, and nobody who comes is refused. */
import assert from "node:assert/strict";
import { hasOpenssl } from "../support/certificates.ts";
import { descriptorsOf } from "../support/descriptors.ts";
import { eventually, type Keystone, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { type AnyMessage, callTool, initialize } from "../support/rpc.ts";
import { fingerprintOf, shownFingerprint, statusOverNew } from "../support/tls_clients.ts";
import { type Pair, TlsFiles } from "../support/tls_files.ts";

const ignore = !hasOpenssl;
const SERVED = { server: SCRIPTED };
/** Enough to come in each moment of a change. */
const CONNECTIONS = 400;
const AT_A_TIME = 8;

/** Settles when so many changes have been told. */
const renewed = (keystone: Keystone, times: number) =>
  keystone.logged(
    new RegExp(Array.from({ length: times }, () => "New connections have another").join("[^]*")),
  );

/** A WebSocket after the handshake. */
async function openSocket(url: string, client: Deno.HttpClient) {
  const socket = new WebSocket(url, { protocols: ["mcp"], client });
  await heard(socket, "open");
  const ask = async (message: unknown): Promise<AnyMessage> => {
    const answered = heard(socket, "message");
    socket.send(JSON.stringify(message));
    return JSON.parse((await answered).data);
  };
  await ask(initialize(0));
  socket.send(JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }));
  return { socket, ask };
}

function heard<T extends keyof WebSocketEventMap>(socket: WebSocket, type: T): Promise<WebSocketEventMap[T]> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(type, resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
}

/** Makes new connections until it is told to end, and then to so many; how many there were, and what failed. */
function load(port: number, pairs: readonly Pair[]) {
  const caCerts = pairs.map(({ cert }) => cert);
  const failures: unknown[] = [];
  let [made, over] = [0, false];
  const one = async () => {
    while (!over || made < CONNECTIONS) {
      made++;
      await statusOverNew(port, caCerts).then(
        (status) => status === 200 || failures.push(status),
        (error) => failures.push(error),
      );
    }
  };
  const all = Promise.all(Array.from({ length: AT_A_TIME }, one));
  return {
    async end() {
      over = true;
      await all;
      return { made, failures };
    },
  };
}

Deno.test({
  name:
    "a certificate that changes is served to who comes then, and no connection before or meanwhile breaks",
  ignore,
  async fn() {
    await using files = await TlsFiles.begin();
    const first = { cert: await Deno.readTextFile(files.cert), key: "" };
    const [second, third] = [await files.make(), await files.make()];
    await using keystone = await startKeystone([...files.flags, "--keepAlive", "200ms"], SERVED);
    const { port } = keystone;
    using client = Deno.createHttpClient({ caCerts: [first.cert] });
    const { socket, ask } = await openSocket(keystone.ws, client);
    const events = (await fetch(keystone.sse, { client })).body!.getReader();
    assert.equal(await shownFingerprint(port), fingerprintOf(first.cert));

    const under = load(port, [first, second, third]);
    for (const [index, pair] of [second, third, second].entries()) {
      await files.put(pair);
      await renewed(keystone, index + 1);
      assert.equal(await shownFingerprint(port), fingerprintOf(pair.cert));
    }
    const { made, failures } = await under.end();
    assert.deepEqual(failures, []);
    assert(made >= CONNECTIONS, `${made}`);

    // Those from before go on, on the connections that they have; so does a connection that is kept.
    assert.equal((await ask(callTool(1, "echo", { said: "word" }))).result.structuredContent.said, "word");
    for (let signs = 0; signs < 20; signs++) assert.equal((await events.read()).done, false);
    assert.equal(
      (await (await fetch(keystone.mcp.replace("/mcp", "/health"), { client })).json()).status,
      "ok",
    );
    await assert.rejects(statusOverNew(port, [first.cert]));
    assert.equal(await statusOverNew(port, [second.cert]), 200);
    socket.close();
    await heard(socket, "close");
    await events.cancel();
    assert.doesNotMatch(keystone.stderr(), /ERR|Connection dropped/);
  },
});

Deno.test({
  name: "a certificate that does not fit its key is waited for, told once, and never served",
  ignore,
  async fn() {
    await using files = await TlsFiles.begin();
    const first = await Deno.readTextFile(files.cert);
    const second = await files.make();
    await using keystone = await startKeystone(files.flags, SERVED);
    const { port } = keystone;
    await files.put({ key: second.key });
    const told = await keystone.logged(/Another certificate cannot be served.*/);
    assert.match(
      told,
      /ERR Another .* reason="--tlsKey \\".+\\": the key does not belong to the certificate of/,
    );
    assert.equal(await shownFingerprint(port), fingerprintOf(first));
    await files.put({ cert: "no certificate" });
    await keystone.logged(/reason="--tlsCert \\".+\\": holds no certificate in PEM form/);
    assert.equal(await statusOverNew(port, [first]), 200);
    await files.put({ cert: second.cert });
    await renewed(keystone, 1);
    assert.equal(await shownFingerprint(port), fingerprintOf(second.cert));
    assert.equal([...keystone.stderr().matchAll(/Another certificate cannot be served/g)].length, 2);
  },
});

Deno.test({
  name: "a certificate that has expired does not take the place of one that is good",
  ignore,
  async fn() {
    await using files = await TlsFiles.begin();
    const first = await Deno.readTextFile(files.cert);
    await using keystone = await startKeystone(files.flags, SERVED);
    await files.put(await files.make({ expired: true }));
    await keystone.logged(/Another certificate cannot be served.*the certificate has expired/);
    assert.equal(await shownFingerprint(keystone.port), fingerprintOf(first));
  },
});

Deno.test({
  name: "certificates that were served before leave no descriptor behind",
  ignore: ignore || Deno.build.os !== "linux",
  async fn() {
    await using files = await TlsFiles.begin();
    await using keystone = await startKeystone(files.flags, SERVED);
    await shownFingerprint(keystone.port);
    const before = descriptorsOf(keystone.pid);
    for (let times = 1; times <= 3; times++) {
      await files.put(await files.make());
      await renewed(keystone, times);
      await shownFingerprint(keystone.port);
    }
    const more = () => Promise.resolve(descriptorsOf(keystone.pid) - before);
    await eventually(more, (count) => count <= 0);
  },
});

const healthOf = async (keystone: Keystone, cert: string, headers: Record<string, string> = {}) => {
  using client = Deno.createHttpClient({ caCerts: [cert] });
  const { origin } = new URL(keystone.mcp);
  return await (await fetch(`${origin}/health`, { client, headers })).json();
};

Deno.test({
  name: "a certificate that ends soon is warned of at the start and each day, and /health has the days",
  ignore,
  async fn() {
    await using files = await TlsFiles.begin({ days: 5 });
    const cert = await Deno.readTextFile(files.cert);
    await using keystone = await startKeystone(files.flags, { ...SERVED, leapMs: 24 * 3_600_000 });
    await keystone.logged(/WRN The certificate ends soon file=\S+cert\.pem validUntil=\S+ daysLeft=[45]\n/);
    const { status, tls } = await healthOf(keystone, cert);
    assert.equal(status, "ok");
    assert([4, 5].includes(tls.daysLeft), `${tls.daysLeft}`);
    assert.equal(tls.fingerprint, fingerprintOf(cert));
    // Whoever is elsewhere is not told.
    assert.equal((await healthOf(keystone, cert, { "X-Forwarded-For": "192.0.2.1" })).tls, undefined);
    await keystone.leap();
    await keystone.logged(/ends soon[^]*ends soon/);
    await files.put(await files.make());
    await renewed(keystone, 1);
  },
});

Deno.test({
  name: "a certificate that has expired is told as an error",
  ignore,
  async fn() {
    await using files = await TlsFiles.begin({ expired: true });
    await using keystone = await startKeystone(files.flags, SERVED);
    await keystone.logged(/ERR The certificate has expired: clients refuse to connect file=.* daysLeft=-\d/);
  },
});
