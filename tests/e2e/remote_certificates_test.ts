/** Remotes whose certificate nobody trusts: each fault is told by its name and with its way out, and tried once. */
import assert from "node:assert/strict";
import { Bridge } from "../support/bridge.ts";
import { type Certificate, Certificates, FOR_LOOPBACK, hasOpenssl } from "../support/certificates.ts";
import { initialize } from "../support/rpc.ts";
import { HttpRemote, SseRemote, WebSocketRemote } from "../support/scripted_remote.ts";

const WIRES = [
  { flags: [], Remote: HttpRemote, scheme: "https" },
  { flags: ["--sse"], Remote: SseRemote, scheme: "https" },
  { flags: ["--ws"], Remote: WebSocketRemote, scheme: "wss" },
] as const;

interface Case {
  readonly name: string;
  readonly make: (files: Certificates) => Promise<Certificate>;
  /** Its certificate is given by --caFile. */
  readonly given?: boolean;
  /** What follows "its certificate". */
  readonly told: RegExp;
}

const NOT_AN_AUTHORITY = "basicConstraints=critical,CA:FALSE";

const CASES: readonly Case[] = [
  {
    name: "that is self-signed",
    make: (files) => files.make({ extensions: FOR_LOOPBACK }),
    told: /^is self-signed: --caFile with that certificate trusts it$/,
  },
  {
    name: "of an unknown authority",
    make: async (files) => (await files.pair()).server,
    told:
      /^is of an authority that is not known here, "Keystone test authority": --caFile with that authority's/,
  },
  {
    name: "of an authority, where itself is given",
    make: async (files) => (await files.pair()).server,
    given: true,
    told:
      /^is of an authority that is not known here, "Keystone test authority": --caFile with that authority's/,
  },
  {
    name: "that has expired",
    make: (files) => files.make({ extensions: FOR_LOOPBACK, expired: true }),
    given: true,
    told: /^has expired: renew it/,
  },
  {
    name: "of another host",
    make: (files) =>
      files.make({ extensions: [NOT_AN_AUTHORITY, "subjectAltName=DNS:a.example,IP:10.0.0.1"] }),
    given: true,
    told:
      /^is for "a\.example", "10\.0\.0\.1", and not for 127\.0\.0\.1: .*add IP:127\.0\.0\.1 to its subjectAltName$/,
  },
  {
    name: "that names no host",
    make: (files) => files.make({ extensions: [NOT_AN_AUTHORITY] }),
    given: true,
    told: /^names no host, .* "-addext subjectAltName=IP:127\.0\.0\.1"$/,
  },
  {
    name: "as openssl req -x509 makes it",
    make: (files) => files.make(),
    given: true,
    told:
      /^is that of an authority \(CA:TRUE\), .* "-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127\.0\.0\.1", and give it by --caFile$/,
  },
  {
    name: "for clients",
    make: (files) => files.make({ extensions: [...FOR_LOOPBACK, "extendedKeyUsage=clientAuth"] }),
    given: true,
    told: /^is not one for servers: /,
  },
];

for (const { name, make, given, told } of CASES) {
  Deno.test(`bridge tells of a certificate ${name}, on every wire, and tries once`, {
    ignore: !hasOpenssl,
  }, async () => {
    await using files = await Certificates.begin();
    const tls = await make(files);
    for (const { flags, Remote, scheme } of WIRES) {
      await using remote = new Remote(undefined, { tls });
      const url = remote.url.replace(/^\w+/, scheme);
      await using bridge = new Bridge([...flags, url, ...given ? ["--caFile", tls.file] : []]);
      const { error } = await bridge.ask(initialize(1));
      const reason = error.message.split(`Cannot trust ${url}: its certificate `)[1];
      assert.match(reason ?? error.message, told);
      assert.doesNotMatch(bridge.stderr, /sent again|next try/);
      assert.deepEqual(remote.seen, []);
    }
  });
}

Deno.test("bridge trusts what the way out of a default openssl certificate leads to", {
  ignore: !hasOpenssl,
}, async () => {
  await using files = await Certificates.begin();
  const first = await files.make();
  const told = await refusalOf(first);
  // As somebody would paste it.
  const extensions = [...told.matchAll(/-addext ([^ "]+)/g)].map(([, line = ""]) => line);
  const tls = await files.make({ extensions });
  for (const { flags, Remote, scheme } of WIRES) {
    await using remote = new Remote(undefined, { tls });
    await using bridge = new Bridge([...flags, remote.url.replace(/^\w+/, scheme), "--caFile", tls.file]);
    await bridge.begin();
    assert.deepEqual((await bridge.call(1, "echo", { n: 1 })).result.structuredContent, { n: 1 });
  }
});

Deno.test("bridge says that a server speaks no TLS, on every wire, and tries once", async () => {
  for (const { flags, Remote, scheme } of WIRES) {
    await using remote = new Remote();
    const url = remote.url.replace(/^\w+/, scheme);
    await using bridge = new Bridge([...flags, url]);
    const { error } = await bridge.ask(initialize(1));
    const plain = scheme.replace(/s$/, "");
    assert.equal(error.message, `Cannot reach ${url}: it speaks no TLS there; expected ${plain}://`);
    assert.doesNotMatch(bridge.stderr, /sent again|next try/);
  }
});

async function refusalOf(tls: Certificate): Promise<string> {
  await using remote = new HttpRemote(undefined, { tls });
  await using bridge = new Bridge(["--streamableHttp", remote.url, "--caFile", tls.file]);
  return (await bridge.ask(initialize(1))).error.message;
}
