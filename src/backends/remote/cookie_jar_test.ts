import assert from "node:assert/strict";
import { fakeClock } from "../../../tests/support/fake_clock.ts";
import { CookieJar } from "./cookie_jar.ts";

const HOME = new URL("https://far.example/tools/mcp");

function jarWith(...lines: string[]): CookieJar {
  const jar = new CookieJar();
  hear(jar, ...lines);
  return jar;
}

function hear(jar: CookieJar, ...lines: string[]): void {
  jar.hear(HOME, new Response(null, { headers: lines.map((line) => ["Set-Cookie", line]) }));
}

Deno.test("CookieJar says again what it heard, as it came, and nothing where it heard nothing", () => {
  assert.equal(new CookieJar().headerFor(HOME, undefined), undefined);
  const jar = jarWith(
    "AWSALB=a%20b/+=; Path=/",
    'quoted="x"; path=/; HttpOnly; SameSite=Lax',
    "empty=; Path=/",
  );
  assert.equal(jar.headerFor(HOME, undefined), 'AWSALB=a%20b/+=; quoted="x"; empty=');
});

Deno.test("CookieJar keeps the newest value of a name, in its old place, and forgets what is over", () => {
  const jar = jarWith("a=1; Path=/", "b=1; Path=/", "c=1; Path=/", "d=1; Path=/");
  hear(jar, "a=2; Path=/", "b=; Path=/; Max-Age=0", "c=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
  assert.equal(jar.headerFor(HOME, undefined), "a=2; d=1");
});

Deno.test("CookieJar forgets a cookie at its time, which Max-Age names rather than Expires", () => {
  using clock = fakeClock();
  const jar = jarWith(
    "short=1; Path=/; Max-Age=10; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
    "long=1; Path=/; Max-Age=1000; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    `dated=1; Path=/; Expires=${new Date(Date.now() + 20_000).toUTCString()}`,
  );
  assert.equal(jar.headerFor(HOME, undefined), "short=1; long=1; dated=1");
  clock.pass(11_000);
  assert.equal(jar.headerFor(HOME, undefined), "long=1; dated=1");
  clock.pass(11_000);
  assert.equal(jar.headerFor(HOME, undefined), "long=1");
});

Deno.test("CookieJar keeps to the path of a cookie, the folder of its URL by default, and says the longest first", () => {
  const jar = jarWith(
    "root=1; Path=/",
    "here=1",
    "odd=1; Path=relative",
    "deep=1; Path=/tools/mcp",
    "else=1; Path=/tool",
  );
  const at = (path: string) => jar.headerFor(new URL(path, HOME), undefined);
  assert.equal(at("/tools/mcp"), "deep=1; here=1; odd=1; root=1");
  assert.equal(at("/tools/mcp/x?y"), "deep=1; here=1; odd=1; root=1");
  assert.equal(at("/tools"), "here=1; odd=1; root=1");
  assert.equal(at("/tools/mcpx"), "here=1; odd=1; root=1");
  assert.equal(at("/tool/x"), "else=1; root=1");
  assert.equal(at("/"), "root=1");
});

Deno.test("CookieJar takes no cookie for another host, and tells what is secure to nobody in the clear", () => {
  const jar = jarWith(
    "own=1; Path=/; Domain=far.example",
    "above=1; Path=/; Domain=.EXAMPLE",
    "other=1; Path=/; Domain=evil.example",
    "below=1; Path=/; Domain=x.far.example",
    "part=1; Path=/; Domain=r.example",
    "safe=1; Path=/; Secure",
  );
  assert.equal(jar.headerFor(HOME, undefined), "own=1; above=1; safe=1");
  assert.equal(jar.headerFor(new URL("http://far.example/"), undefined), "own=1; above=1");
  const address = new CookieJar();
  const byAddress = new URL("http://127.0.0.1/");
  const headers = new Headers([["Set-Cookie", "a=1; Domain=0.0.1"], ["Set-Cookie", "b=1; Domain=127.0.0.1"]]);
  address.hear(byAddress, new Response(null, { headers }));
  assert.equal(address.headerFor(byAddress, undefined), "b=1");
});

Deno.test("CookieJar puts what was configured first, without what the server has set anew", () => {
  const jar = jarWith("session=new; Path=/", "route=7; Path=/");
  assert.equal(jar.headerFor(HOME, "key=k; session=old"), "key=k; session=new; route=7");
  assert.equal(jar.headerFor(HOME, "session=old"), "session=new; route=7");
  // Left as it is where there is nothing to add.
  assert.equal(new CookieJar().headerFor(HOME, "not=a; =cookie,"), "not=a; =cookie,");
});

Deno.test("CookieJar keeps so many cookies of so many characters, the oldest gives way", () => {
  const jar = jarWith(...Array.from({ length: 60 }, (_, n) => `c${n}=v; Path=/`));
  const kept = jar.headerFor(HOME, undefined)?.split("; ") ?? [];
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [50, "c10=v", "c59=v"]);
  hear(jar, `long=${"x".repeat(5_000)}; Path=/`, `c59=${"x".repeat(5_000)}; Path=/`);
  assert.equal(jar.headerFor(HOME, undefined), kept.join("; "));
});

Deno.test("CookieJar leaves out what has no name", () => {
  assert.equal(
    jarWith("=value; Path=/", "flag", "", "; Path=/", "a=1; Path=/").headerFor(HOME, undefined),
    "a=1",
  );
});
