/** What callers need to be granted, over each wire: for a server, and for some of its tools. */
import assert from "node:assert/strict";
import { answer, type AnyMessage, callTool, initialize, post, request } from "../support/rpc.ts";
import { DOORS } from "../support/doors.ts";
import { bearing, Issuer } from "../support/issuer.ts";
import { type Keystone, startKeystone } from "../support/keystone.ts";

const ECHO = fixture("scripted_server.ts");
/** Reads keys in any case, and the last one wins. */
const FOLDING = fixture("folding_server.ts");

function fixture(name: string): string[] {
  return ["--stdio", `${Deno.execPath()} run -A ${new URL(`../fixtures/${name}`, import.meta.url).pathname}`];
}

const [READER, ADMIN, NOBODY] = ["r", "a", "n"].map((letter) => letter.repeat(20));

/** Three tokens with their scopes, and what is asked of them. */
async function start(...flags: string[]): Promise<Keystone & { readonly folder: string }> {
  const folder = await Deno.makeTempDir();
  const lines = [`reader ${READER} read`, `admin ${ADMIN} read admin`, `nobody ${NOBODY}`];
  await Deno.writeTextFile(`${folder}/tokens`, lines.join("\n"), { mode: 0o600 });
  const gateway = await startKeystone(
    [
      "--auth",
      "bearer",
      "--bearerTokenFile",
      `${folder}/tokens`,
      ...flags,
      ...flags.includes("--stdio") ? [] : ECHO,
    ],
    { env: { KEYSTONE_STATE_DIR: folder } },
  );
  return {
    ...gateway,
    folder,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("--requiredScope lets in who was granted it, and tells others all that is needed, on every wire", async () => {
  await using gateway = await start("--requiredScope", "read", "--requiredScope", "admin");
  for (const [wire, knock] of DOORS) {
    assert.match(`${(await knock(gateway.port, { headers: bearing(ADMIN!) })).status}`, /^(200|101)$/, wire);
    for (const token of [READER!, NOBODY!]) {
      const { status, headers, body } = await knock(gateway.port, { headers: bearing(token) });
      assert.equal(status, 403, wire);
      const challenge = 'Bearer realm="keystone", error="insufficient_scope", scope="read admin"';
      assert.equal(headers.get("www-authenticate"), challenge);
      assert.deepEqual(JSON.parse(body).error, {
        code: -32000,
        message: "Forbidden: the server needs the scopes read admin",
        data: { auth: { error: "insufficient_scope", scope: "read admin" } },
      });
    }
    assert.equal((await knock(gateway.port)).status, 401, wire);
  }
  // Probes have no credentials, and need no scopes.
  const health = await fetch(`http://127.0.0.1:${gateway.port}/health`);
  await health.body?.cancel();
  assert.equal(health.status, 200);
});

Deno.test("--authOptional lets nobody in particular do what --anonymousScope has, and no more", async () => {
  const flags = ["--authOptional", "--anonymousScope", "read", "--requiredScope", "read,write*=admin"];
  await using gateway = await start(...flags);
  for (const [wire, knock] of DOORS) {
    assert.match(`${(await knock(gateway.port)).status}`, /^(200|101)$/, wire);
  }
  assert.equal((await called(await post(gateway.mcp, callTool(1, "echo")))).status, 200);
  assert.equal((await called(await post(gateway.mcp, callTool(1, "write_file")))).status, 403);
  // Who brings credentials has what they have.
  const { status } = await called(
    await post(gateway.mcp, callTool(1, "echo"), { headers: bearing(NOBODY!) }),
  );
  assert.equal(status, 403);
});

Deno.test("of several servers each has scopes of its own, on every wire", async () => {
  const folder = await Deno.makeTempDir();
  const tokens = `${folder}/tokens`;
  await Deno.writeTextFile(tokens, `reader ${READER} read\nadmin ${ADMIN} admin`, { mode: 0o600 });
  const [command, ...args] = ECHO[1]!.split(" ");
  const config = {
    auth: { kinds: ["bearer"], bearerTokenFile: tokens },
    servers: {
      reading: { command, args, requiredScope: ["read"] },
      writing: { command, args, requiredScope: ["admin"] },
    },
  };
  await Deno.writeTextFile(`${folder}/keystone.json`, JSON.stringify(config));
  try {
    await using gateway = await startKeystone(["--config", `${folder}/keystone.json`]);
    for (const [wire, knock] of DOORS) {
      const statuses = [];
      for (const server of ["reading", "writing"]) {
        for (const token of [READER!, ADMIN!]) {
          const { status } = await knock(gateway.port, { headers: bearing(token), prefix: `/${server}` });
          statuses.push(status === 101 ? 200 : status);
        }
      }
      assert.deepEqual(statuses, [200, 403, 403, 200], wire);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const RULES = ["--requiredScope", "read", "--requiredScope", "{delete,drop}_*=admin"];
const REFUSED = {
  code: -32000,
  message: "Forbidden: the tool needs the scopes read admin",
  data: { auth: { error: "insufficient_scope", scope: "read admin" } },
};

async function called(
  response: Response,
): Promise<{ status: number; challenge: string | null; error: unknown; id: unknown }> {
  const text = await response.text();
  const json = /^\{.*\}$/s.test(text)
    ? JSON.parse(text)
    : JSON.parse(/^data: (\{.*)$/m.exec(text)?.[1] ?? "{}");
  const challenge = response.headers.get("www-authenticate");
  return { status: response.status, challenge, error: json.error, id: json.id };
}

Deno.test("--requiredScope of a tool refuses its call by POST with 403 before the server hears of it", async (t) => {
  for (const flags of [[], ["--stateful"]]) {
    await t.step(flags.join(" ") || "stateless", async () => {
      await using gateway = await start(...RULES, ...flags);
      const opened = await post(gateway.mcp, initialize(), { headers: bearing(READER!) });
      await opened.body?.cancel();
      const session = opened.headers.get("mcp-session-id") ?? undefined;
      const call = (body: unknown, token = READER!) =>
        post(gateway.mcp, body, { session, headers: bearing(token) }).then(called);
      for (const name of ["delete_file", "drop_table", "delete_"]) {
        const refused = await call(callTool("x", name));
        const challenge = 'Bearer realm="keystone", error="insufficient_scope", scope="read admin"';
        assert.deepEqual(refused, { status: 403, challenge, error: REFUSED, id: "x" }, name);
      }
      const { status, error } = await call(callTool(2, "echo"));
      assert.deepEqual([status, error], [200, undefined]);
      // A notification, a batch, a name that is none, and a name so long that nobody matches it.
      assert.equal(
        (await call({ jsonrpc: "2.0", method: "tools/call", params: { name: "drop_table" } })).status,
        403,
      );
      assert.equal((await call([request(3, "ping"), callTool(4, "drop_table")])).status, 403);
      assert.equal((await call(callTool(5, ["drop_table"] as unknown as string))).status, 400);
      assert.equal((await call(callTool(5, "x".repeat(100_000)))).status, 403);
    });
  }
});

Deno.test("--requiredScope of a tool is got around by no key that the server takes for another one", async () => {
  await using gateway = await start("--requiredScope", "*=admin", "--stateful", ...FOLDING);
  const hidden = '{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call",' +
    '"params":{"name":"work","arguments":{"secret":"s3cret"}}}';
  const resultOf = async (token: string, body: string) => {
    const headers = bearing(token);
    const opened = await post(gateway.mcp, initialize(), { headers });
    await opened.body?.cancel();
    const session = opened.headers.get("mcp-session-id")!;
    return (await answer(await post(gateway.mcp, body, { session, headers }))).result;
  };
  assert.deepEqual(await resultOf(READER!, hidden), {});
  assert.deepEqual(await resultOf(ADMIN!, hidden.replace("tools/list", "tools/call")), { secret: "s3cret" });
});

Deno.test("a token with more scopes may do more within the session that another one has opened", async () => {
  await using issuer = await Issuer.start();
  await using gateway = await startKeystone([
    ...["--auth", "jwt", "--jwtIssuer", issuer.url, "--jwtAudience", "https://mcp.example.com", "--stateful"],
    ...RULES,
    ...ECHO,
  ]);
  const [less, more] = await Promise.all(
    ["read", "read admin"].map((scope) => issuer.token({ claims: { scope } })),
  );
  const opened = await post(gateway.mcp, initialize(), { headers: bearing(less!) });
  await opened.body?.cancel();
  const session = opened.headers.get("mcp-session-id")!;
  const call = (token: string) =>
    post(gateway.mcp, callTool(1, "delete_file"), { session, headers: bearing(token) }).then(called);
  const { status, challenge } = await call(less!);
  assert.equal(status, 403);
  const { origin } = new URL(gateway.mcp);
  assert.equal(
    challenge,
    'Bearer realm="keystone", error="insufficient_scope", scope="read admin", ' +
      `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
  );
  const allowed = await call(more!);
  // The server's own answer: it has no such tool.
  assert.deepEqual([allowed.status, Object(allowed.error).message], [200, "Method not found: tools/call"]);
});

Deno.test("--requiredScope of a tool is asked of each POST of SSE, and of a WebSocket what opened it was granted", async (t) => {
  await using gateway = await start(...RULES);
  await t.step("SSE", async () => {
    const stream = await fetch(gateway.sse, { headers: bearing(READER!) });
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    const endpoint = /data: (\S+)/.exec((await reader.read()).value ?? "")?.[1] ?? "";
    const url = new URL(endpoint, gateway.sse).href;
    const refused = await called(await post(url, callTool(1, "drop_table"), { headers: bearing(READER!) }));
    assert.deepEqual([refused.status, refused.error, refused.id], [403, REFUSED, 1]);
    const accepted = await post(url, callTool(1, "echo"), { headers: bearing(READER!) });
    await accepted.body?.cancel();
    assert.equal(accepted.status, 202);
    await reader.cancel();
  });
  await t.step("WebSocket", async () => {
    const ask = async (token: string, message: unknown): Promise<AnyMessage> => {
      const socket = new WebSocket(gateway.ws, { headers: bearing(token), protocols: ["mcp"] });
      await new Promise((resolve) => socket.onopen = resolve);
      const answers = Promise.withResolvers<string>();
      socket.onmessage = ({ data }) => answers.resolve(data);
      socket.send(JSON.stringify(message));
      const told = JSON.parse(await answers.promise);
      const closed = new Promise((resolve) => socket.onclose = resolve);
      socket.close();
      await closed;
      return told;
    };
    assert.deepEqual(await ask(READER!, callTool(1, "delete_x")), { jsonrpc: "2.0", id: 1, error: REFUSED });
    assert.equal((await ask(READER!, callTool(1, "echo"))).error, undefined);
    assert.equal((await ask(ADMIN!, callTool(1, "delete_x"))).error?.code === REFUSED.code, false);
  });
});
