/** From the settings to what judges credentials. */
import { join } from "node:path";
import { apiKeys } from "./auth/api_key/api_key.ts";
import { ensureFirstKey, firstKeyPath } from "./auth/api_key/first_key.ts";
import { KeyUsage } from "./auth/api_key/key_usage.ts";
import type { Authenticator, AuthKind } from "./auth/authenticator.ts";
import { basicUsers } from "./auth/basic/basic.ts";
import { bearerTokens } from "./auth/bearer.ts";
import { jwt } from "./auth/jwt/jwt.ts";
import type { JwtSettings } from "./auth/jwt/options.ts";
import { keypairs } from "./auth/keypair/keypair.ts";
import type { AuthSettings } from "./auth/options.ts";
import { optionName } from "./base/option_name.ts";
import { ConfigError, messageOf } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import { folderFault } from "./files/private_file.ts";
import { StateFolder } from "./state/mod.ts";

/** Each is asked in turn. */
interface Authenticators extends AsyncDisposable {
  readonly all: readonly Authenticator[];
}

interface Surroundings {
  readonly auth: AuthSettings;
  readonly jwt: JwtSettings;
  /** As the option has it. */
  readonly stateDir: string | undefined;
  readonly emit: Sink;
}

type Opened = Authenticator & Partial<AsyncDisposable>;

const OPEN: Readonly<Record<AuthKind, (around: Surroundings) => Opened | Promise<Opened>>> = {
  apiKey: openApiKeys,
  bearer: openBearerTokens,
  basic: openBasicUsers,
  keypair: openKeypairs,
  jwt: openJwt,
};

/** Throws ConfigError for what one of them needs and cannot have. */
export async function openAuthenticators(around: Surroundings): Promise<Authenticators> {
  const all: Opened[] = [];
  for (const kind of around.auth.authKinds) all.push(await OPEN[kind](around));
  for (const { kind, count } of all) {
    if (count?.() === 0) around.emit({ type: "warning", text: nobodyBy(kind) });
  }
  return {
    all,
    async [Symbol.asyncDispose]() {
      for (const one of all) await one[Symbol.asyncDispose]?.();
    },
  };
}

/** What lets somebody in, where nothing does so far. */
const WAYS_IN: Readonly<Record<AuthKind, string>> = {
  apiKey: "keystone keys create --name NAME makes a key",
  basic: "keystone users add NAME makes a user",
  bearer: "a line in its file is a token",
  keypair: "a line in its file is a public key",
  jwt: "its issuer makes tokens",
};

function nobodyBy(kind: AuthKind): string {
  return `Nobody is let in by ${kind} so far; ${WAYS_IN[kind]}, which counts within a second`;
}

/** By the option that names the file: what it is called where nobody has named one. */
const RECORD_FILES = { apiKeyFile: "api-keys.json", basicUserFile: "users.json" } as const;
export type RecordOption = keyof typeof RECORD_FILES;

interface RecordPlace {
  /** As the option has it. */
  readonly path: string | undefined;
  readonly stateDir: string | undefined;
}

/** Where records are kept. Throws ConfigError for a folder that cannot be had; that for state is made. */
export async function recordPath(option: RecordOption, { path, stateDir }: RecordPlace): Promise<string> {
  if (path === undefined) return join((await StateFolder.open(stateDir)).path, RECORD_FILES[option]);
  const fault = folderFault(path);
  if (fault === undefined) return path;
  throw new ConfigError(`${optionName(option)} ${JSON.stringify(path)}: ${fault}`);
}

async function openApiKeys({ auth, stateDir, emit }: Surroundings): Promise<Opened> {
  const path = await recordPath("apiKeyFile", { path: auth.apiKeyFile, stateDir });
  return await naming("apiKeyFile", path, async () => {
    if (await ensureFirstKey(path)) emit({ type: "auth.first_key", file: firstKeyPath(path) });
    const usage = new KeyUsage(path, (error) => emit({ type: "fault", where: "use of API keys", error }));
    const kind = apiKeys({ path, onUsed: usage.note, emit });
    return { ...kind, [Symbol.asyncDispose]: () => usage[Symbol.asyncDispose]() };
  });
}

async function openBasicUsers({ auth, stateDir, emit }: Surroundings): Promise<Opened> {
  const path = await recordPath("basicUserFile", { path: auth.basicUserFile, stateDir });
  return await naming("basicUserFile", path, () => basicUsers({ path, emit }));
}

function openBearerTokens({ auth, emit }: Surroundings): Promise<Opened> {
  const { bearerToken: token, bearerTokenFile: path } = auth;
  return naming("bearerTokenFile", path ?? "", () => bearerTokens({ token, path, emit }));
}

function openKeypairs({ auth, emit }: Surroundings): Promise<Opened> {
  const { authorizedKeys: path = "", signatureSkewMs: skewMs, maxNonces } = auth;
  return naming("authorizedKeys", path, () => keypairs({ path, skewMs, maxNonces, emit }));
}

function openJwt({ jwt: { issuer = "", ...settings }, emit }: Surroundings): Promise<Opened> {
  return naming("jwtJwksFile", settings.jwksFile ?? "", () => jwt({ ...settings, issuer, emit }));
}

async function naming<T>(option: string, path: string, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${optionName(option)} ${JSON.stringify(path)}: ${messageOf(cause)}`, { cause });
  }
}
