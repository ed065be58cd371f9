/** Whose tokens are accepted, for whom they have to be, and where the keys come from that have signed them. */
import * as z from "zod";
import { HTTP } from "../../options/network_values.ts";
import { option, section, type SettingsOf } from "../../options/section.ts";
import { parseServerUrl } from "../../options/server_url.ts";
import { choice, duration, nonEmpty, readFromText, size, wholeNumber } from "../../options/values.ts";

/** Of keys in pairs: with a secret that both sides know, who may verify a token could make one. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] as const,
] as const;

export const jwtOptions = section({
  jwtIssuer: option(issuer(), {
    value: "<url>",
    description: "who makes the tokens of {auth} jwt, as their iss has it",
  }),
  jwtAudience: option(z.array(nonEmpty("expected an audience, such as https://mcp.example.com")), {
    value: "<audience>",
    description: "for whom tokens have to be, as their aud has it (default: {baseUrl}, and what is below it)",
    list: "repeated",
    default: [],
  }),
  jwtJwksUrl: option(httpUrl("expected an http(s) URL, such as https://login.example.com/keys"), {
    value: "<url>",
    description: "where the keys are that sign tokens (default: as the metadata of {jwtIssuer} say)",
  }),
  jwtJwksFile: option(nonEmpty("expected a file"), {
    value: "<file>",
    description: "file with these keys, a JWK set, in place of a URL",
  }),
  jwtAlgorithm: option(z.array(choice(ALGORITHMS)), {
    value: "<names>",
    description: `how tokens may be signed: any of ${ALGORITHMS.join(", ")}, joined by commas or repeated`,
    list: "commas",
    default: ["RS256", "PS256", "ES256", "EdDSA"],
  }),
  jwtClockSkew: option(duration({ min: 0 }), {
    value: "<time>",
    description: "how far the clock of who makes tokens may be from ours",
    default: "30s",
  }),
  jwtKeysAge: option(duration({ min: 1000 }), {
    value: "<time>",
    description: "after how long keys are fetched anew",
    default: "10m",
  }),
  jwtRefetchPause: option(duration({ min: 0 }), {
    value: "<time>",
    description: "how long after that no key that is not known makes them be fetched again",
    default: "30s",
  }),
  jwtFetchTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description: "time for each answer with keys or metadata",
    default: "5s",
  }),
  jwtMaxFetchSize: option(size(), {
    value: "<size>",
    description: "size of such an answer",
    default: "256k",
  }),
  jwtMaxTokens: option(wholeNumber({ min: 1 }), {
    value: "<n>",
    description: "tokens that are remembered until they expire, and so verified once",
    default: 10_000,
  }),
}, (values) => ({
  issuer: values.jwtIssuer,
  /** Empty where it follows from the URL. */
  audiences: values.jwtAudience,
  jwksUrl: values.jwtJwksUrl,
  jwksFile: values.jwtJwksFile,
  algorithms: values.jwtAlgorithm,
  clockSkewMs: values.jwtClockSkew,
  keysAgeMs: values.jwtKeysAge,
  refetchPauseMs: values.jwtRefetchPause,
  fetchTimeoutMs: values.jwtFetchTimeout,
  maxFetchBytes: values.jwtMaxFetchSize,
  maxTokens: values.jwtMaxTokens,
}));

export type JwtSettings = SettingsOf<typeof jwtOptions>;

/** RFC 8414, section 2. It is compared letter by letter, so it stays as it is spelled. */
function issuer() {
  const expected = "expected an http(s) URL without query and fragment, such as https://login.example.com";
  return httpUrl(expected, (url, text) => url.username === "" && url.password === "" && !/[?#]/.test(text));
}

function httpUrl(expected: string, fits: (url: URL, text: string) => boolean = () => true) {
  return readFromText(expected, (text) => {
    const url = parseServerUrl(text, HTTP);
    return url && !/\s/.test(text) && fits(url, text) ? text : undefined;
  });
}
