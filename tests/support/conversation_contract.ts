/** What every wire with sessions owes to its clients, each with a real gateway and a real child. */
import assert from "node:assert/strict";
import { type Begin, type Conversation, inTime } from "./conversation.ts";
import { eventually, SCRIPTED, startKeystone } from "./keystone.ts";
import { type AnyMessage, callTool, request } from "./rpc.ts";

export interface Wire {
  /** How the wire is called in the names of the tests. */
  name: string;
  flags: readonly string[];
  begin: Begin;
}

const INITIALIZED =
  '{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"shell","version":"1"}}';

/**
 * A server that closes its stdin at the third message, whose id has to be 1, then answers it and lives on. It is
 * written for the shell, since Deno never lets go of fd 0.
 */
export const DEAF = shellServer("read -r line && read -r line && exec <&- && answer 1 {}");

/** A server that reads nothing after the handshake, and lives on. */
const STUCK = shellServer("");

/** The same, for two seconds. */
const DYING = shellServer("sleep 2; exit 7");

function shellServer(afterInitialize: string): string[] {
  const script = `
    answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n' "$1" "$2"; }
    read -r line && answer 0 '${INITIALIZED}'
    ${afterInitialize}
    exec sleep 600
  `;
  return ["/bin/sh", "-c", script];
}

/** The next message but for what a POST is ended with whose call was cancelled: other wires have nothing to end. */
async function nextAnswer(client: Conversation): Promise<AnyMessage> {
  while (true) {
    const message = await client.next();
    if (message.error?.code !== -32800) return message;
  }
}

const notification = (method: string, params: unknown = {}) => ({ jsonrpc: "2.0", method, params });
const cancelled = (requestId: unknown) => notification("notifications/cancelled", { requestId });

export function conversationContract({ name, flags, begin }: Wire): void {
  const start = (...more: string[]) => startKeystone([...flags, ...more], { server: SCRIPTED });

  Deno.test(`${name} passes on notifications, log entries and progress before the answer`, async () => {
    await using gateway = await start();
    await using client = await begin(gateway);
    const told = [
      notification("notifications/message", { level: "info", data: { text: "über 1 KiB ".repeat(100) } }),
      notification("notifications/tools/list_changed"),
      notification("notifications/resources/updated", { uri: "file:///a" }),
      notification("notifications/of/tomorrow", { any: ["thing", null] }),
    ];
    await client.send(callTool(1, "notify", { messages: told }));
    assert.deepEqual((await client.until(1)).slice(0, -1), told);
    await client.send(callTool(2, "progress", { steps: 3 }, { progressToken: "a token" }));
    const steps = (await client.until(2)).slice(0, -1);
    assert.deepEqual(
      steps.map(({ method, params }) => [method, params]),
      [1, 2, 3].map((progress) => [
        "notifications/progress",
        { progressToken: "a token", progress, total: 3 },
      ]),
    );
  });

  Deno.test(`${name} takes the server's requests to the client in question and brings its reply back`, async () => {
    await using gateway = await start();
    const capabilities = { sampling: {}, elicitation: {}, roots: {} };
    await using first = await begin(gateway, capabilities);
    await using second = await begin(gateway, capabilities);
    const asked = [
      ["sampling/createMessage", { result: { role: "assistant" } }],
      ["elicitation/create", { result: { action: "accept" } }],
      ["roots/list", { error: { code: -32603, message: "no roots today" } }],
    ] as const;
    for (const [method, reply] of asked) {
      // The same ids at both clients: only the session tells them apart.
      const clients = [{ client: first, mine: "one" }, { client: second, mine: "two" }];
      for (const { client, mine } of clients) {
        await client.send(callTool(1, "ask", { id: 0, method, params: { mine } }));
      }
      for (const { client, mine } of clients) {
        assert.deepEqual(await client.next(), request(0, method, { mine }));
      }
      for (const { client, mine } of clients.reverse()) {
        await client.send({ jsonrpc: "2.0", id: 0, ...reply, mine });
        const { result } = await client.next();
        assert.deepEqual(result.structuredContent.reply, { jsonrpc: "2.0", id: 0, ...reply, mine });
      }
    }
  });

  Deno.test(`${name} passes cancellation up, and a late answer to it nowhere`, async () => {
    await using gateway = await start();
    await using client = await begin(gateway);
    await client.send(callTool("late", "sleep", { ms: 50 }));
    await client.send(cancelled("late"));
    await client.send(callTool("after", "sleep", { ms: 100 }));
    assert.equal((await nextAnswer(client)).id, "after");
    await inTime(gateway.logged(/Message dropped .*it answers no open request/), "log entry");
    await client.send(callTool("report", "seen"));
    assert.deepEqual((await client.next()).result.structuredContent.cancelled, ["late"]);
  });

  Deno.test(`${name} passes cancellation down, and a late reply to it nowhere`, async () => {
    await using gateway = await start();
    await using client = await begin(gateway, { sampling: {} });
    const messages = [request("mine", "sampling/createMessage"), cancelled("mine")];
    await client.send(callTool(1, "notify", { messages }));
    assert.deepEqual((await client.until(1)).slice(0, -1), messages);
    await client.send({ jsonrpc: "2.0", id: "mine", result: {} });
    await inTime(gateway.logged(/Message dropped .*it answers no request of the server/), "log entry");
  });

  Deno.test(`${name} brings every id back as it was`, async () => {
    await using gateway = await start();
    await using client = await begin(gateway);
    const ids = [1, "1", "abc", "7", "12:34", 0, -3, 1.5, "", "null"];
    for (const id of ids) await client.send(callTool(id, "echo", { id }));
    const answers = [];
    for (const _ of ids) answers.push(await client.next());
    // A list of ids, because the order of the answers is free.
    const back = answers.map(({ id, result }) => [id, result.structuredContent.id]);
    assert.deepEqual(
      new Set(back.map((pair) => JSON.stringify(pair))),
      new Set(ids.map((id) => JSON.stringify([id, id]))),
    );
  });

  Deno.test(`${name} answers what is open when the child crashes, and the session goes on with the next`, async () => {
    await using gateway = await start();
    await using client = await begin(gateway);
    await client.send(callTool(0, "echo"));
    const before = (await client.next()).result.structuredContent.pid;
    await client.send(callTool(1, "hang"));
    await client.send(callTool("two", "exit", { code: 4 }));
    const answers = [await client.next(), await client.next()];
    assert.deepEqual(new Set(answers.map(({ id }) => id)), new Set([1, "two"]));
    const message =
      "The MCP server exited with code 4: the answer is lost, and the request was not sent again";
    for (const { error } of answers) assert.deepEqual(error, { code: -32603, message });
    await client.send(callTool(3, "seen"));
    // The handshake was played to the new child, and nothing else was sent to it.
    const { notifications, lines } = (await client.next()).result.structuredContent;
    assert.deepEqual([notifications, lines], [["notifications/initialized"], 3]);
    await client.send(callTool(4, "echo"));
    assert.notEqual((await client.next()).result.structuredContent.pid, before);
    assert.equal((await gateway.children()).length, 1);
  });

  Deno.test(`${name} ends the session with its child where --restart is never`, async () => {
    await using gateway = await start("--restart", "never");
    await using client = await begin(gateway);
    await client.send(callTool(1, "hang"));
    await client.send(callTool("two", "exit", { code: 4 }));
    const answers = [await client.next(), await client.next()];
    for (const { error } of answers) {
      assert.deepEqual(error, { code: -32603, message: "The MCP server exited with code 4" });
    }
    await inTime(client.ended, "end of the session");
    await using other = await begin(gateway);
    await other.send(request(1, "ping"));
    assert.deepEqual(await other.next(), { jsonrpc: "2.0", id: 1, result: {} });
  });

  Deno.test(`${name} answers what is open when the child floods a line without end, and goes on with another`, async () => {
    await using gateway = await start("--maxMessageSize", "64k");
    await using client = await begin(gateway);
    await client.send(callTool(1, "flood", { bytes: 100_000 }));
    assert.match((await client.next()).error.message, /longer than 65536 bytes/);
    await client.send(request(2, "ping"));
    assert.deepEqual((await client.next()).result, {});
    await eventually(() => gateway.children(), (children) => children.length === 1);
  });

  Deno.test(`${name} answers what is open when the child closes its stdin`, async () => {
    await using gateway = await startKeystone([...flags, "--restart", "never"], { server: DEAF });
    await using client = await begin(gateway);
    await client.send(request(1, "close"));
    await client.until(1);
    await client.send(callTool(2, "echo"));
    assert.match((await client.next()).error.message, /closed its input/);
    await inTime(client.ended, "end of the session");
    await eventually(() => gateway.children(), (children) => children.length === 0);
    await using other = await begin(gateway);
    await other.send(request(1, "close"));
    assert.equal((await other.next()).id, 1);
  });

  Deno.test(`${name} answers a request that takes too long, and cancels it at the child`, async () => {
    await using gateway = await startKeystone([...flags, "--requestTimeout", "10m"], {
      server: SCRIPTED,
      leapMs: 600_000,
    });
    await using client = await begin(gateway);
    await client.send(callTool("slow", "hang"));
    // Its answer says that the one before it has arrived.
    await client.send(request("next", "ping"));
    await client.until("next");
    await gateway.leap();
    assert.deepEqual(await client.next(), {
      jsonrpc: "2.0",
      id: "slow",
      error: {
        code: -32001,
        message: 'The server did not answer "tools/call" within 10m (--requestTimeout)',
      },
    });
    await client.send(callTool("report", "seen"));
    assert.deepEqual((await client.next()).result.structuredContent.cancelled, ["slow"]);
  });

  Deno.test(`${name} refuses a request over --maxOpenRequests, and only that one`, async () => {
    await using gateway = await start("--maxOpenRequests", "2");
    await using client = await begin(gateway);
    await client.send(callTool(1, "hang"));
    await client.send(callTool(2, "hang"));
    await client.send(callTool(3, "echo"));
    const error = { code: -32000, message: "Too many open requests: the limit is 2" };
    assert.deepEqual(await client.next(), { jsonrpc: "2.0", id: 3, error });
    await client.send(cancelled(1));
    await client.send(callTool(4, "echo"));
    assert.equal((await nextAnswer(client)).id, 4);
  });

  Deno.test(`${name} stops the child with everything it started when the client leaves`, async () => {
    await using gateway = await start();
    const client = await begin(gateway);
    await client.send(callTool(1, "fork"));
    await client.until(1);
    assert.equal((await gateway.children()).length, 2);
    await client[Symbol.asyncDispose]();
    await eventually(() => gateway.children(), (children) => children.length === 0);
  });

  Deno.test(`${name} stops a child that does not read when the client leaves`, async () => {
    await using gateway = await startKeystone(flags, { server: STUCK });
    const client = await begin(gateway);
    // More than the pipe and what is written ahead of it can take.
    for (let id = 1; id <= 20; id++) await client.send(callTool(id, "echo", { fill: "x".repeat(20_000) }));
    await client[Symbol.asyncDispose]();
    await eventually(() => gateway.children(), (children) => children.length === 0);
  });

  Deno.test(`${name} answers what waits for a child that does not read when it dies`, async () => {
    await using gateway = await startKeystone([...flags, "--restart", "never"], { server: DYING });
    await using client = await begin(gateway);
    const ids = Array.from({ length: 20 }, (_, at) => at + 1);
    for (const id of ids) await client.send(callTool(id, "echo", { fill: "x".repeat(20_000) }));
    const answers = new Map();
    for (const _ of ids) {
      const { id, error } = await client.next();
      answers.set(id, error);
    }
    const error = { code: -32603, message: "The MCP server exited with code 7" };
    assert.deepEqual(answers, new Map(ids.map((id) => [id, error])));
  });
}
