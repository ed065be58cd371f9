import assert from "node:assert/strict";
import { corsOrigin } from "../options/network_values.ts";
import type { CorsOrigins } from "../policies/cors.ts";
import { layered } from "./layers.ts";
import { slowPatterns } from "./slow_patterns.ts";

const GOOD = [
  String.raw`https:\/\/\w+\.pages\.example`,
  String.raw`https://.*\.example\.com`,
  String.raw`https:\/\/(.+\.)?example\.com`,
  String.raw`https?:\/\/([^.:]+\.)*example\.com(:\d+)?`,
  String.raw`https?:\/\/(localhost|127\.0\.0\.1)(:\d+)?`,
  String.raw`^https:\/\/app-[0-9a-f]{8}\.vercel\.app$`,
  String.raw`https://(?!evil)[a-z]+\.example\.com`,
  String.raw`https://[a-z0-9-]+--site\.netlify\.app`,
  String.raw`(https?|wss?)://(a|b|c|dev|staging|prod)\.(eu|us|ap)\.example\.(com|org|net)`,
  "chrome-extension://[a-z]{32}",
  "tauri://localhost",
  ".*",
];
const EXPONENTIAL = [
  ...["(a+)+", "(.*)*x", "(x+x+)+y", "(a?){30}a{30}"],
  ...[String.raw`([a-z]+)*\.x`, String.raw`([a-z]+[.-]?)+\.x`, String.raw`(\w+\s?)*x`],
  ...["(?=(a+)+b)x", "(?<=(a+)+b)x", "(?!(a+)+b).*x", "https://(([a-z])+.)+[A-Z]([a-z])+"],
];
const POLYNOMIAL = ["a*a*x", ".*.*.*.*x", String.raw`(a*)\1\1b`, String.raw`(.*)\.(.*)\.(.*)\.x`];
/** The search for ways has to end before they are counted. */
const UNDECIDED = ["(a|a)*b", "(a|aa)+x", String.raw`(\w|\d)+\.x`];
const UNREADABLE = [String.raw`(?<n>a+)+\k<n>x`, "(?i:a)+x"];

function parsed(pattern: string): RegExp {
  const origin = corsOrigin().parse(`/${pattern}/`);
  assert(origin instanceof RegExp);
  return origin;
}

async function faultsOf(origins: CorsOrigins | undefined): Promise<string[]> {
  return (await slowPatterns(origins, layered([]))).map(({ text }) => text);
}

Deno.test("slowPatterns clears what a list of hosts needs", async () => {
  assert.deepEqual(await faultsOf(undefined), []);
  assert.deepEqual(await faultsOf("*"), []);
  assert.deepEqual(await faultsOf(["https://app.example", ...GOOD.map(parsed)]), []);
});

const REFUSED = [
  [[...EXPONENTIAL, ...POLYNOMIAL], "an Origin could make this pattern backtrack for long"],
  [UNDECIDED, "it cannot be found out in time whether an Origin could make this pattern backtrack for long"],
  [UNREADABLE, "it cannot be found out whether an Origin could make this pattern backtrack for long"],
] as const;

Deno.test("slowPatterns says what is known of each pattern that is refused, by name and with a way out", async () => {
  for (const [patterns, why] of REFUSED) {
    const faults = await faultsOf(["https://app.example", ...patterns.map(parsed)]);
    assert.equal(faults.length, patterns.length);
    for (const fault of faults) {
      assert.match(fault, /^--cors "\/.*\/": .*; expected .* such as \//);
      assert(fault.includes(`/": ${why}; expected`), fault);
    }
  }
});

Deno.test("slowPatterns clears the pattern that it names as the way out", async () => {
  const [fault = ""] = await faultsOf([parsed("(a+)+")]);
  const [, pattern = ""] = /such as \/(.*)\/$/.exec(fault) ?? [];
  const way = parsed(pattern);
  assert.deepEqual(await faultsOf([way]), []);
  for (const origin of ["https://example.com", "https://a.b.example.com:8443"]) {
    assert(way.test(origin), origin);
  }
  for (const origin of ["https://example.com.evil.net", "https://evilexample.com"]) {
    assert(!way.test(origin), origin);
  }
});
