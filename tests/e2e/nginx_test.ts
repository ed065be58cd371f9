/** A reverse proxy in front, and a path prefix that the gateway itself does not know: every wire, in both directions. */
import assert from "node:assert/strict";
import { inTime } from "../contract/deadline.ts";
import { CallToolResultSchema, connect, WIRES } from "../support/clients.ts";
import { SCRIPTED, startKeystone } from "../support/keystone.ts";
import { NGINX, startNginx } from "../support/nginx.ts";

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
