/** Who is let in, and by what proof. */
import * as z from "zod";
import { option, section, type SettingsOf } from "../options/section.ts";
import { choice, duration, nonEmpty, onOff, readFromText, wholeNumber } from "../options/values.ts";
import { AUTH_KINDS, SCOPE } from "./authenticator.ts";

const file = nonEmpty("expected a file");

export const authOptions = section({
  auth: option(z.array(choice([...AUTH_KINDS, "none"])), {
    value: "<kinds>",
    description: `how callers prove who they are: any of ${
      AUTH_KINDS.join(", ")
    }, joined by commas or repeated, and any one suffices; none on loopback alone`,
    list: "commas",
    default: ["none"],
    common: true,
  }),
  unauthenticated: option(onOff(), {
    description: "serve whoever reaches an address that is no loopback, without any {auth}",
    bare: "true",
    default: false,
  }),
  authOptional: option(onOff(), {
    description: "let in who brings no credentials at all, with the scopes of {anonymousScope}",
    bare: "true",
    default: false,
  }),
  anonymousScope: option(z.array(scope()), {
    value: "<scope>",
    description: "what {authOptional} lets nobody in particular do",
    list: "repeated",
    default: [],
  }),
  apiKeyFile: option(file, {
    value: "<file>",
    description: "file of the API keys, as keystone keys writes it (default: in the folder of {stateDir})",
  }),
  apiKeyInQuery: option(onOff(), {
    description: "take an API key also as api_key in the query, for clients that can send no header",
    bare: "true",
    default: false,
  }),
  bearerToken: option(token(), {
    value: "<token>",
    description: "the token of {auth} bearer, better given as KEYSTONE_BEARER_TOKEN or by {bearerTokenFile}",
    secret: true,
    single: true,
  }),
  basicUserFile: option(file, {
    value: "<file>",
    description:
      "file of the users of {auth} basic, as keystone users writes it (default: in the folder of {stateDir})",
  }),
  bearerTokenFile: option(file, {
    value: "<file>",
    description:
      "file of the tokens of {auth} bearer: a line for each, with its name, itself, and its scopes",
  }),
  authorizedKeys: option(file, {
    value: "<file>",
    description:
      "file of the public keys of {auth} keypair: a line for each, as in OpenSSH's authorized_keys, with a name and its scopes",
  }),
  signatureSkew: option(duration({ min: 0 }), {
    value: "<time>",
    description:
      "by how much the clocks of callers with {auth} keypair may be behind ours, and ahead, 5s at most",
    default: "60s",
  }),
  maxNonces: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description:
      "signatures of {auth} keypair that are remembered until they expire, so that none counts twice",
    default: 500_000,
  }),
  identity: option(file, {
    value: "<file>",
    description:
      "private key (Ed25519) by which this gateway proves who it is, to clients that ask /.well-known/keystone-identity",
  }),
  authAttempts: option(wholeNumber({ min: 1 }), {
    value: "<count>",
    description:
      "failed attempts of an address (IPv6: one /64) until it has to wait, longer with each further one",
    default: 10,
  }),
  authAttemptWindow: option(duration({ min: 1 }), {
    value: "<time>",
    description: "time without a failed attempt after which {authAttempts} counts anew",
    default: "10m",
  }),
  authWait: option(duration({ min: 1 }), {
    value: "<time>",
    description: "how long an address has to wait by {authAttempts}; each further failed attempt doubles it",
    default: "1s",
  }),
  authMaxWait: option(duration({ min: 1 }), {
    value: "<time>",
    description: "how long that is at most",
    default: "5m",
  }),
}, (values) => ({
  authKinds: AUTH_KINDS.filter((kind) => values.auth.includes(kind)),
  /** Whether who brings nothing is let in. */
  authOptional: values.authOptional,
  anonymousScopes: values.anonymousScope,
  apiKeyFile: values.apiKeyFile,
  apiKeyInQuery: values.apiKeyInQuery,
  bearerToken: values.bearerToken,
  bearerTokenFile: values.bearerTokenFile,
  basicUserFile: values.basicUserFile,
  authorizedKeys: values.authorizedKeys,
  signatureSkewMs: values.signatureSkew,
  maxNonces: values.maxNonces,
  /** A file. */
  identity: values.identity,
  /** How many failed attempts of an address cost nothing. */
  authAttempts: values.authAttempts,
  authAttemptWindowMs: values.authAttemptWindow,
  authWaitMs: values.authWait,
  authMaxWaitMs: values.authMaxWait,
}));

export type AuthSettings = SettingsOf<typeof authOptions>;

function scope() {
  return readFromText(
    "expected a scope: 1 to 200 visible characters without quotes and backslashes",
    (text) => SCOPE.test(text) ? text : undefined,
  );
}

/** RFC 6750, section 2.1; so few characters could be guessed. */
function token() {
  return readFromText(
    "expected a token of 16 characters at least: letters, digits and -._~+/, with = at its end",
    (text) => BEARER_TOKEN.test(text) ? text : undefined,
  );
}

export const BEARER_TOKEN = /^(?=.{16,4096}$)[\w.~+/-]+=*$/;
