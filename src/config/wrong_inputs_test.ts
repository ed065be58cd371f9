/** What people write by habit or by mistake: one line that names the thing, the value and the way out. */
import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { readCertificatesOf, readPrivateKeyOf } from "./files.ts";
import { parsed, refusalOf } from "../../tests/support/config.ts";

async function refusal(...argv: string[]): Promise<string> {
  const message = await refusalOf(argv);
  assert.doesNotMatch(message, /\n/);
  return message;
}

async function warnings(...argv: string[]): Promise<string[]> {
  return (await parsed(argv)).warnings;
}

const CASES: readonly (readonly [line: string[], says: RegExp])[] = [
  [
    ["--stdio", "a b", "--stdio", "c d"],
    /^--stdio: given 2 times, expected one server; several stand in a file, see --config$/,
  ],
  [["--sse", "http://a/", "--sse=http://b/"], /^--sse: given 2 times/],
  [
    ["https://a/", "https://me:s3cret@b/x?s3cret"],
    /^Unexpected argument "https:\/\/…@b\/x…": a URL is given already, expected one server; .*--config$/,
  ],
  [["example.com/mcp"], /"example.com\/mcp": the URL lacks its scheme, as in https:\/\/example.com\/mcp$/],
  [["localhost:3000"], /"localhost:3000": the URL lacks its scheme, as in http:\/\/localhost:3000\/…$/],
  [["127.0.0.1:3000/mcp?key=s3cret"], /the URL lacks its scheme, as in http:\/\/127.0.0.1:3000\/mcp$/],
  [["host/mcp"], /"host\/mcp": the URL lacks its scheme, as in https:\/\/host\/mcp$/],
  [["https://host:99999/mcp"], /its port 99999 is no number from 0 to 65535$/],
  [["https://host:80a/mcp"], /its port is no number from 0 to 65535$/],
  [["https:///mcp"], /"https:\/\/\/mcp": it names no host, as in https:\/\/host\/mcp$/],
  [["https:/host/mcp"], /two slashes belong behind https:, as in https:\/\/host\/…$/],
  [["ftp://host/mcp"], /its scheme ftp:\/\/ is none of http:\/\/, https:\/\/, ws:\/\/, wss:\/\/$/],
  [
    ["--sse", "https:///sse"],
    /^--sse: expected a URL that begins with http:\/\/ or https:\/\/; it names no host/,
  ],
  [
    ["--sse", "localhost:3000/sse"],
    /^--sse: .*; the URL lacks its scheme, as in http:\/\/localhost:3000\/sse$/,
  ],
  [["--ws", "https://host/ws"], /^--ws: .*; its scheme https:\/\/ is none of ws:\/\/, wss:\/\/$/],
  [["--ws", "ws://host:99999"], /^--ws: .*; its port 99999 is no number/],
  [["--stdio", "a b", "--baseUrl", "https:///x"], /^--baseUrl "https:\/\/\/x": expected an http/],
  [["serve", "--stdio", "a b"], /"serve": leave the word out to serve, .* or begin with start/],
  [["--port", "1", "start"], /"start": a command stands first, as in keystone start --help$/],
  [
    ["--stdio", "a b", "--daemon"],
    /^--daemon: unknown flag, to serve in the background, begin with the word start/,
  ],
  [["strt"], /"strt": did you mean keystone start\?$/],
  [["validat-config"], /"validat-config": did you mean keystone validate-config\?$/],
  [
    ["--name", "a", "--stdio", "a b"],
    /^--name: unknown flag, gateways in the background have names: keystone start --name …$/,
  ],
  [["--foreground", "--stdio", "a b"], /^--foreground: unknown flag, without the word start/],
  [["help"], /"help": did you mean --help\?$/],
  [["version"], /"version": did you mean --version\?$/],
  [["-v"], /^-v: unknown flag, did you mean --version\?$/],
  [["-V"], /^-V: unknown flag, did you mean --version\?$/],
  [["-p", "9000"], /^-p: unknown flag, did you mean --port\?$/],
  [["--stdio", "npx server", "-p", "9000"], /^-p: unknown flag, did you mean --port\?$/],
  [["--stdio", "npx", "-p", "9000"], /^-p: unknown flag, quote the whole line after --stdio/],
  [["--apiKey", "s3cret"], /^--apiKey: unknown flag, did you mean --auth apiKey\? keystone keys create/],
  [["--api-key=s3cret"], /^--api-key: unknown flag, did you mean --auth apiKey\?/],
  [["--server", "sse"], /^--server: unknown flag, did you mean --outputTransport\?$/],
  [["--pass-environment"], /^--pass-environment: unknown flag, .*leave it out$/],
  [["--named-server", "a", "b"], /^--named-server: unknown flag, did you mean --config\?/],
  [["--debug"], /^--debug: unknown flag, did you mean --logLevel debug\?$/],
  [["--no-verify-ssl"], /^--no-verify-ssl: unknown flag, .*--caFile/],
  [
    ["npx", "-y", "some-server"],
    /^-y: unknown flag, put -- before the command, as in keystone \[options\] -- npx …$/,
  ],
  [["npx", "some-server"], /"npx": put -- before the command, as in keystone \[options\] -- npx …$/],
  [
    ["./server.py"],
    /"\.\/server\.py": put -- before the command, as in keystone \[options\] -- \.\/server\.py …$/,
  ],
  [
    ["--stdio", "x", "--env", "FOO"],
    /^--env: expected KEY=VALUE, but FOO has no value; the server gets Keystone's own/,
  ],
  [
    ["--stdio", "x", "--requestTimeout", "48h"],
    /^--requestTimeout "48h": beyond --maxRequestTime, which ends the call before \(by default 24h\)/,
  ],
  [["--stdio", "x", "--requestTimeout", "2m", "--maxRequestTime", "1m"], /^--requestTimeout "2m": .*\(1m\)/],
  [
    ["--stdio", "x", "--callTimeout", "a=1m,slow_*=48h", "--callTimeout", "b=none"],
    /^--callTimeout "slow_\*": beyond --maxRequestTime, which ends the call before \(by default 24h\)/,
  ],
  [["--stdio", "x", "--restartDelay", "1m"], /^--restartDelay "1m": beyond --restartMaxDelay/],
  [["http://a/", "--retryDelay", "1m"], /^--retryDelay "1m": beyond --retryMaxDelay/],
  [
    ["--stdio", "x", "--progressHeartbeat", "1m", "--requestTimeout", "30s"],
    /^--progressHeartbeat "1m": beyond/,
  ],
  [
    ["--stdio", "x", "--maxConnections", "9", "--maxConnectionsPerAddress", "10"],
    /^--maxConnectionsPerAddress "10": /,
  ],
  [
    ["--stdio", "x", "--auth", "apiKey", "--authWait", "10m", "--authMaxWait", "1m"],
    /^--authWait "10m": beyond --authMaxWait, which is the longest wait \(1m\)/,
  ],
  [
    ["--stdio", "x", "--maxSessions", "5", "--maxSessionsPerPrincipal", "6"],
    /^--maxSessionsPerPrincipal "6": beyond --maxSessions, which is for all callers \(5\)/,
  ],
  [
    ["--stdio", "x", "--oauth2Bearer", "s3cret"],
    /^--oauth2Bearer: protects nothing .*; keep strangers out by --auth bearer or by the address that --host binds$/,
  ],
  [
    ["--stdio", "x", "--maxBodySize", "200m"],
    /^--maxBodySize "200m": beyond --maxBodiesInFlight, .*by default 128m/,
  ],
];

for (const [line, says] of CASES) {
  Deno.test(`parseArgs refuses ${line.join(" ")}`, async () => {
    const message = await refusal(...line);
    assert.match(message, says);
    assert.doesNotMatch(message, /s3cret/);
  });
}

Deno.test("parseArgs lets a bound that somebody lowers win over a default", async () => {
  assert.deepEqual(
    await warnings("--stdio", "x", "--restartMaxDelay", "100ms", "--maxBodiesInFlight", "1m"),
    [],
  );
  assert.deepEqual(await warnings("--stdio", "x", "--stdio", ""), []);
});

Deno.test("parseArgs warns of a time and a size without a unit that nobody can mean", async () => {
  assert.deepEqual(await warnings("--stdio", "x", "--requestTimeout", "30", "--maxBodySize=4"), [
    '--maxBodySize "4" is 4 bytes: write 4m for megabytes, or 4k',
    '--requestTimeout "30" is 30 milliseconds: write 30s for seconds, or 30ms',
  ]);
  assert.deepEqual(
    await warnings("--stdio", "x", "--sessionTimeout", "60000", "--stopTimeout", "0", "--queueTimeout=30ms"),
    [],
  );
});

Deno.test("parseArgs warns of flags of the network where clients come by stdio alone, and of a store of none", async () => {
  assert.deepEqual(await warnings("https://host/mcp", "--port", "9000"), [
    "--port has no effect where clients come by stdio alone: add --outputTransport streamableHttp,sse,ws",
  ]);
  assert.deepEqual(
    await warnings("--stdio", "x", "--stateful", "--eventStore", "none", "--eventStoreAge", "1h"),
    [
      "--eventStoreAge has no effect with --eventStore none",
    ],
  );
});

Deno.test("readCertificatesOf and readPrivateKeyOf name the file, what it holds and how to mend it", async () => {
  const path = await Deno.makeTempFile();
  const pem = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;
  const faultOf = (read: (flag: string, path: string) => string, bytes: string | Uint8Array) => {
    Deno.writeFileSync(path, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    try {
      read("flag", path);
    } catch (error) {
      assert(error instanceof ConfigError);
      assert(error.message.startsWith(`--flag ${JSON.stringify(path)}: `), error.message);
      return error.message;
    }
    return "";
  };
  try {
    const der = new Uint8Array([0x30, 0x82, 0x03, 0xff, 0x00]);
    assert.match(
      faultOf(readCertificatesOf, pem("PRIVATE KEY")),
      /no certificate in PEM form, but a private key/,
    );
    assert.match(faultOf(readCertificatesOf, der), /"openssl x509 -inform der -in FILE -out FILE.pem"/);
    assert.match(
      faultOf(readPrivateKeyOf, pem("CERTIFICATE")),
      /no private key in PEM form, but a certificate/,
    );
    assert.match(
      faultOf(readPrivateKeyOf, pem("ENCRYPTED PRIVATE KEY")),
      /the key is encrypted, .*openssl pkey/,
    );
    assert.match(faultOf(readPrivateKeyOf, der), /"openssl pkey -inform der/);
    assert.equal(faultOf(readPrivateKeyOf, pem("EC PRIVATE KEY")), "");
  } finally {
    await Deno.remove(path);
  }
});
