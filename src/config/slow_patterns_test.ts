import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { corsOrigin } from "../options/network_values.ts";
import { refuseSlowPatterns } from "./slow_patterns.ts";

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

Deno.test("refuseSlowPatterns clears what a list of hosts needs", async () => {
  await refuseSlowPatterns(undefined);
  await refuseSlowPatterns("*");
  await refuseSlowPatterns(["https://app.example", ...GOOD.map(parsed)]);
});

const REFUSED = [
  [[...EXPONENTIAL, ...POLYNOMIAL], "an Origin could make this pattern backtrack for long"],
  [UNDECIDED, "it cannot be found out in time whether an Origin could make this pattern backtrack for long"],
  [UNREADABLE, "it cannot be found out whether an Origin could make this pattern backtrack for long"],
] as const;

Deno.test("refuseSlowPatterns says what is known of a pattern that it refuses, by name and with a way out", async () => {
  for (const [patterns, why] of REFUSED) {
    for (const pattern of patterns) {
      await assert.rejects(refuseSlowPatterns([parsed(pattern)]), (error) => {
        assert(error instanceof ConfigError);
        assert.match(error.message, /^--cors "\/.*\/": .*; expected .* such as \//);
        assert(error.message.includes(`/": ${why}; expected`), error.message);
        return true;
      }, pattern);
    }
  }
});

Deno.test("refuseSlowPatterns clears the pattern that it names as the way out", async () => {
  const error = await refuseSlowPatterns([parsed("(a+)+")]).catch((error) => error);
  const [, pattern = ""] = /such as \/(.*)\/$/.exec(error.message) ?? [];
  const way = parsed(pattern);
  await refuseSlowPatterns([way]);
  for (const origin of ["https://example.com", "https://a.b.example.com:8443"]) {
    assert(way.test(origin), origin);
  }
  for (const origin of ["https://example.com.evil.net", "https://evilexample.com"]) {
    assert(!way.test(origin), origin);
  }
});
