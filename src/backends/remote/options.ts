/** How a remote server is called. */
import * as z from "zod";
import { bearerToken, headerLine } from "../../options/network_values.ts";
import { option, section, type SettingsOf } from "../../options/section.ts";
import { duration, nonEmpty, onOff, readFromText, wholeNumber } from "../../options/values.ts";
import { parseKeyLine } from "../../wire/signing/public_key.ts";

/** What it is told, what is trusted, and what is tried again. */
export const remoteOptions = section({
  header: option(z.array(headerLine()), {
    value: "<headers...>",
    description: 'headers "Name: value" for a remote server; no effect on a command',
    list: "greedy",
    secret: true,
    default: [],
    common: true,
  }),
  headerFile: option(nonEmpty("expected a file"), {
    value: "<file>",
    description: "file with such headers, one a line, which keeps them out of the process list",
  }),
  oauth2Bearer: option(bearerToken(), {
    value: "<token>",
    description: "bearer token for a remote server; refused with a command",
    secret: true,
  }),
  oauth2BearerFile: option(nonEmpty("expected a file"), {
    value: "<file>",
    description: "file with such a token",
  }),
  keypair: option(nonEmpty("expected a file"), {
    value: "<file>",
    description: "private key (Ed25519) that signs each request to a remote server with {auth} keypair",
  }),
  serverKey: option(fingerprint(), {
    value: "<key>",
    description: "public key that a remote Keystone has to have as its {identity}: a line, or its SHA256:…",
  }),
  knownHosts: option(nonEmpty("expected a file"), {
    value: "<file>",
    description:
      "file of the public keys that remote servers have had: who is new is trusted and written there, another key is refused",
  }),
  caFile: option(nonEmpty("expected a PEM file"), {
    value: "<file>",
    description: "certificate authorities (PEM) to trust besides the usual ones",
  }),
  connectTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description: "time for an event stream or a socket to open",
    default: "30s",
  }),
  remoteIdleTimeout: option(duration({ min: 1 }), {
    value: "<time>",
    description:
      "how long an idle connection may be used again, less than the server itself keeps one; not for WebSocket",
    default: "1500ms",
  }),
  retryAttempts: option(wholeNumber({ min: 0 }), {
    value: "<count>",
    description: "how often to try again what never reached the server",
    default: 4,
  }),
  retryDelay: option(duration({ min: 0 }), {
    value: "<time>",
    description:
      "longest pause before the first repetition; it doubles each time, and a random part of it is taken",
    default: "500ms",
  }),
  retryMaxDelay: option(duration({ min: 0 }), {
    value: "<time>",
    description: "longest pause of all",
    default: "30s",
  }),
  allowPrivateRedirects: option(onOff(), {
    description:
      "follow a redirect to this machine or into another network than that of the URL: private, or public",
    bare: "true",
    default: false,
  }),
}, (values) => ({
  /** Together with those of the file. */
  headers: lastOfEach(values.header),
  headerFile: values.headerFile,
  oauth2Bearer: values.oauth2Bearer,
  oauth2BearerFile: values.oauth2BearerFile,
  keypair: values.keypair,
  /** As `SHA256:…`. */
  serverKey: values.serverKey,
  knownHosts: values.knownHosts,
  caFile: values.caFile,
  connectTimeoutMs: values.connectTimeout,
  remoteIdleMs: values.remoteIdleTimeout,
  retry: {
    attempts: values.retryAttempts,
    firstDelayMs: values.retryDelay,
    maxDelayMs: values.retryMaxDelay,
  },
  allowPrivateRedirects: values.allowPrivateRedirects,
}));
export type RemoteSettings = SettingsOf<typeof remoteOptions>;

/** Of a public key: itself, or of its line. */
function fingerprint() {
  return readFromText(
    "expected SHA256:… or a line ssh-ed25519 …, as keystone keypair show prints them",
    (text) => {
      if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) return text;
      try {
        return parseKeyLine(text).key.fingerprint;
      } catch {
        return undefined;
      }
    },
  );
}

type Header = readonly [name: string, value: string];

/** Header names have no case, and of two equal ones the last wins. */
function lastOfEach(headers: readonly Header[]): readonly Header[] {
  return [...new Map(headers.map((header) => [header[0].toLowerCase(), header])).values()];
}
