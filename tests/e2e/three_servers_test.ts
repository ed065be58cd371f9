/** Three servers in one file behind a real nginx with a prefix and TLS: each is used over each wire, and one is broken. */
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client";
// @ts-types="@modelcontextprotocol/sdk/client/sse"
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
// @ts-types="@modelcontextprotocol/sdk/client/streamableHttp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Certificates, FOR_LOOPBACK, hasOpenssl } from "../support/certificates.ts";
import { EVERYTHING, SCRIPTED, startKeystone } from "../support/keystone.ts";
import { NGINX, startNginx } from "../support/nginx.ts";
import { callTool, initialize } from "../support/rpc.ts";

const PREFIX = "/some/tools";
const MISSING = [...NGINX ? [] : ["nginx"], ...hasOpenssl ? [] : ["openssl"]];

function commandOf([command, ...args]: readonly string[]) {
  return { command, args };
}

interface Reach {
  readonly base: string;
  readonly trusting: Deno.HttpClient;
}

/** What the echo of a server says over one wire; the two servers call and word it differently. */
type Echo = (reach: Reach) => Promise<string>;

const ECHO = { name: "echo", arguments: { message: "hello", said: "hello" } };

function fetching({ trusting }: Reach): typeof fetch {
  return (url, init) => fetch(url, { ...init, client: trusting });
}

async function callOver(transport: StreamableHTTPClientTransport | SSEClientTransport): Promise<string> {
  const client = new Client({ name: "keystone-test", version: "1.0.0" });
  await client.connect(transport);
  try {
    return JSON.stringify(await client.callTool(ECHO));
  } finally {
    await client.close();
  }
}

const overStreamable: Echo = (reach) =>
  callOver(new StreamableHTTPClientTransport(new URL(`${reach.base}/mcp`), { fetch: fetching(reach) }));

const overSse: Echo = (reach) =>
  callOver(new SSEClientTransport(new URL(`${reach.base}/sse`), { fetch: fetching(reach) }));

const overWebSocket: Echo = async ({ base, trusting }) => {
  const socket = new WebSocket(`${base.replace(/^http/, "ws")}/ws`, { protocols: ["mcp"], client: trusting });
  const send = (message: unknown) => socket.send(JSON.stringify(message));
  const { promise: said, resolve, reject } = Promise.withResolvers<string>();
  const closed = new Promise<void>((resolve) => socket.addEventListener("close", () => resolve()));
  socket.onopen = () => send(initialize(1));
  socket.onerror = socket.onclose = () => reject(new Error("The socket broke"));
  // One listener for all messages: one that is set anew for each loses what comes between.
  socket.onmessage = ({ data }) => {
    const { id, method } = JSON.parse(data);
    if (method !== undefined) return;
    if (id === 2) return resolve(data);
    send({ jsonrpc: "2.0", method: "notifications/initialized" });
    send(callTool(2, ECHO.name, ECHO.arguments));
  };
  try {
    const answer = await said;
    socket.close();
    return answer;
  } finally {
    await closed;
  }
};

Deno.test({
  name:
    `three servers of one file are each used over each wire behind nginx with a prefix and TLS, though one is broken${
      MISSING.length === 0 ? "" : `: it wants ${MISSING.join(" and ")}`
    }`,
  ignore: MISSING.length > 0,
  async fn() {
    await using certificates = await Certificates.begin();
    const { cert, key, file } = await certificates.make({ extensions: FOR_LOOPBACK });
    const folder = await Deno.makeTempDir();
    const keyFile = `${folder}/key.pem`;
    await Deno.writeTextFile(keyFile, key);
    const servers = {
      everything: commandOf(EVERYTHING),
      broken: { ...commandOf(["/bin/sh", "-c", "exit 3"]), crashLimit: 1 },
      scripted: { ...commandOf(SCRIPTED), stateful: true },
    };
    const config = `${folder}/keystone.json`;
    await Deno.writeTextFile(config, JSON.stringify({ listen: { trustProxy: ["127.0.0.1"] }, servers }));
    await using gateway = await startKeystone(["--config", config]);
    await using nginx = await startNginx(PREFIX, gateway.port, {
      tls: { cert: file, key: keyFile },
      forwards: true,
    });
    using trusting = Deno.createHttpClient({ caCerts: [cert] });
    const base = nginx.origin + PREFIX;
    const index = await (await fetch(`${base}/`, { client: trusting })).json();
    assert.deepEqual(Object.keys(index.servers), ["everything", "broken", "scripted"]);
    assert.equal(index.servers.scripted.endpoints[0].url, `${base}/scripted/mcp`);
    const uses = [overStreamable, overSse, overWebSocket].flatMap((over) => [
      over({ base: `${base}/everything`, trusting }),
      over({ base: `${base}/scripted`, trusting }),
      assert.rejects(
        over({ base: `${base}/broken`, trusting }).then((said) => {
          if (/error/.test(said)) throw new Error(said);
        }),
      ),
    ]);
    for (const said of await Promise.all(uses)) assert(said === undefined || /hello/.test(said), said ?? "");
    const health = await fetch(`${base}/health`, { client: trusting });
    const { status, servers: reported } = await health.json();
    assert.equal(health.status, 200);
    assert.deepEqual([status, reported.everything.status, reported.scripted.status], [
      "degraded",
      "ok",
      "ok",
    ]);
    assert.notEqual(reported.broken.status, "ok");
    await Deno.remove(folder, { recursive: true });
  },
});
