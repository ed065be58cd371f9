/** What other programs write into their files of servers, and means nothing here. */

/** It changes nothing that a client would notice. */
const SILENT = new Set("gallery version id icon iconUrl tags metadata priority".split(" "));

/** What who has written it would miss. */
const MISSED: Readonly<Record<string, string>> = {
  alwaysAllow: "Keystone asks nobody before a call; that is up to its clients",
  autoApprove: "Keystone asks nobody before a call; that is up to its clients",
  trust: "Keystone asks nobody before a call; that is up to its clients",
  timeout: 'ignored; requestTimeout, such as "60s", is the time for a call',
  dev: "ignored; Keystone neither watches nor debugs a server",
  envFile:
    'ignored; give the variables in env, such as { "KEY": "${KEY}" }, or set them where Keystone is started',
  oauth: "ignored; Keystone asks for no tokens in this version, and oauth2BearerFile gives it one",
  sandbox: "ignored; Keystone runs a server without a sandbox",
  sandboxEnabled: "ignored; Keystone runs a server without a sandbox",
};

/** At the top of a file of Visual Studio Code; a text that needs an input is refused by itself. */
const SILENT_AT_TOP = new Set(["$schema", "inputs"]);

export function isForeign(key: string): boolean {
  return SILENT.has(key) || foreignWarning(key) !== undefined;
}

export function foreignWarning(key: string): string | undefined {
  return Object.hasOwn(MISSED, key) ? MISSED[key] : undefined;
}

export function isSilentAtTop(key: string): boolean {
  return SILENT_AT_TOP.has(key);
}
