/** A reverse proxy in front, and a path prefix that the gateway itself does not know: every wire, in both directions. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { CallToolResultSchema, connect, WIRES } from "../support/clients.ts";
import { SCRIPTED, startKeystone } from "../support/keystone.ts";
import { NGINX, startNginx } from "../support/nginx.ts";
import { printedBy } from "../support/programs.ts";

const PREFIX = "/some/tools";
const CHANGED = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };

Deno.test({
  name: `gateway serves every wire behind nginx and a path prefix${NGINX ? "" : ": it wants nginx"}`,
  ignore: NGINX === undefined,
  async fn() {
    const wires = ["--outputTransport", "streamableHttp,sse,ws", "--stateful", "--baseUrl", PREFIX];
    await using gateway = await startKeystone(wires, { server: SCRIPTED });
    await using nginx = await startNginx(PREFIX, gateway.port);
    const behind = (url: string) =>
      url.replace(
        /^(\w+):\/\/[^/]+/,
        (_, scheme) => `${scheme}${nginx.origin.slice("http".length)}${PREFIX}`,
      );
    const urls = { mcp: behind(gateway.mcp), sse: behind(gateway.sse), ws: behind(gateway.ws) };
    for (const wire of WIRES) {
      await using connected = await connect(urls, wire);
      const { client, inbox } = connected;
      const text = "x".repeat(300_000);
      const { structuredContent } = await client.callTool({ name: "echo", arguments: { text } });
      assert.equal((structuredContent as Record<string, unknown>).text, text, wire);
      // What was said is there at once, though the answer never comes.
      const abort = new AbortController();
      const begun = Promise.withResolvers<unknown>();
      const call = client.callTool({ name: "begin" }, CallToolResultSchema, {
        onprogress: begun.resolve,
        signal: abort.signal,
      });
      const cancelled = assert.rejects(call);
      await inTime(begun.promise, `Progress over ${wire}`);
      abort.abort();
      await cancelled;
      await client.callTool({ name: "answer_then", arguments: { messages: [CHANGED] } });
      await inbox.waitFor(CHANGED.method);
    }
  },
});

const CURL = await printedBy("curl", "--version") !== undefined;

Deno.test({
  name: `whom nginx names is judged, whatever the caller says in front of it${
    NGINX && CURL ? "" : ": it wants nginx and curl"
  }`,
  // Elsewhere a loopback address other than 127.0.0.1 has to be set up first.
  ignore: NGINX === undefined || !CURL || Deno.build.os !== "linux",
  async fn() {
    const flags = [
      "--trustProxy",
      "127.0.0.1",
      "--denyIp",
      "127.0.0.2",
      "--outputTransport",
      "streamableHttp,sse,ws",
    ];
    await using gateway = await startKeystone(flags, { server: SCRIPTED });
    await using nginx = await startNginx(PREFIX, gateway.port, { forwards: true });
    const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
    const ask = async (path: string, address: string, headers: readonly string[]) => {
      const fields = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "--interface", address];
      const named = headers.flatMap((header) => ["-H", header]);
      const args = [...fields, ...named, `${nginx.origin}${PREFIX}${path}`];
      const { stdout } = await new Deno.Command("curl", { args, stdin: "null" }).output();
      return new TextDecoder().decode(stdout);
    };
    for (const path of ["/mcp", "/sse", "/ws"]) {
      for (
        const spoof of [[], ["X-Forwarded-For: 10.1.1.1"], [
          "X-Forwarded-For: 127.0.0.1",
          "X-Real-IP: 10.1.1.1",
        ]]
      ) {
        assert.equal(await ask(path, "127.0.0.2", [...spoof, ...path === "/ws" ? upgrade : []]), "403", path);
      }
      // What the proxy does not take out contradicts what it puts in.
      assert.equal(await ask(path, "127.0.0.2", ["Forwarded: for=10.1.1.1"]), "400");
    }
    assert.equal(await ask("/health", "127.0.0.3", ["X-Forwarded-For: 127.0.0.2"]), "200");
  },
});
