import assert from "node:assert/strict";
import { loopback } from "../../../tests/support/loopback.ts";
import { discoverKeys } from "./discovery.ts";

const LIMITS = { fetchTimeoutMs: 60_000, maxFetchBytes: 10_000 };

Deno.test("discoverKeys looks where OpenID Connect and RFC 8414 have the metadata, with and without a path", async () => {
  for (const issuerPath of ["", "/", "/realms/x", "/realms/x/"]) {
    const asked: string[] = [];
    const bare = issuerPath.replace(/\/$/, "");
    const places = [
      `${bare}/.well-known/openid-configuration`,
      `/.well-known/oauth-authorization-server${bare}`,
      ...bare === "" ? [] : [`/.well-known/openid-configuration${bare}`],
    ];
    for (const place of places) {
      asked.length = 0;
      await using server = loopback(({ path }) => {
        asked.push(path);
        const { origin } = server.url;
        return path === place
          ? Response.json({ issuer: origin + issuerPath, jwks_uri: `${origin}/k` })
          : new Response(null, { status: 404 });
      });
      const { origin } = server.url;
      assert.equal(await discoverKeys(origin + issuerPath, LIMITS), `${origin}/k`);
      assert.deepEqual(asked, places.slice(0, places.indexOf(place) + 1));
    }
  }
});

Deno.test("discoverKeys says of each place why it is of no use", async () => {
  const answers: [unknown, RegExp][] = [
    [
      { issuer: "https://evil.example", jwks_uri: "http://x/" },
      /of another issuer, "https:\/\/evil\.example"/,
    ],
    [{ issuer: undefined, jwks_uri: "http://x/" }, /of another issuer, undefined/],
    [{ jwks_uri: 1 }, /no jwks_uri that begins with https: or http:/],
    [{ jwks_uri: "file:///etc/passwd" }, /no jwks_uri that begins/],
    [[], /no JSON object/],
  ];
  for (const [metadata, reason] of answers) {
    await using server = loopback(() =>
      Response.json(Array.isArray(metadata) ? metadata : { issuer: server.url.origin, ...Object(metadata) })
    );
    await assert.rejects(discoverKeys(server.url.origin, LIMITS), {
      name: "UnreachableError",
      message: reason,
    });
  }
});

Deno.test("discoverKeys gives up on who does not answer in time, and on what is too large", async () => {
  const never = Promise.withResolvers<Response>();
  await using silent = loopback(() => never.promise);
  const rejected = assert.rejects(discoverKeys(silent.url.origin, { ...LIMITS, fetchTimeoutMs: 20 }), {
    message: /openid-configuration is not answered within 20 ms/,
  });
  await rejected;
  never.resolve(new Response());
  await using large = loopback(() => new Response("x".repeat(20_000)));
  await assert.rejects(discoverKeys(large.url.origin, LIMITS), { message: /with more than 10000 bytes/ });
});
