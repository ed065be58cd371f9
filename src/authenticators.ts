/** From the settings to what judges credentials. */
import { join } from "node:path";
import { apiKeys } from "./auth/api_key/api_key.ts";
import { ensureFirstKey, firstKeyPath } from "./auth/api_key/first_key.ts";
import { KeyUsage } from "./auth/api_key/key_usage.ts";
import type { Authenticator, AuthKind } from "./auth/authenticator.ts";
import { bearerTokens } from "./auth/bearer.ts";
import type { AuthSettings } from "./auth/options.ts";
import { optionName } from "./base/option_name.ts";
import { ConfigError, messageOf } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import { StateFolder } from "./state/mod.ts";

/** Each is asked in turn. */
export interface Authenticators extends AsyncDisposable {
  readonly all: readonly Authenticator[];
}

interface Surroundings {
  readonly auth: AuthSettings;
  /** As the option has it. */
  readonly stateDir: string | undefined;
  readonly emit: Sink;
}

type Opened = Authenticator & Partial<AsyncDisposable>;

const OPEN: Readonly<Record<AuthKind, (around: Surroundings) => Opened | Promise<Opened>>> = {
  apiKey: openApiKeys,
  bearer: openBearerTokens,
};

/** Throws ConfigError for what one of them needs and cannot have. */
export async function openAuthenticators(around: Surroundings): Promise<Authenticators> {
  const all: Opened[] = [];
  for (const kind of around.auth.authKinds) all.push(await OPEN[kind](around));
  return {
    all,
    async [Symbol.asyncDispose]() {
      for (const one of all) await one[Symbol.asyncDispose]?.();
    },
  };
}

/** Where API keys are kept. Throws ConfigError for a state folder that cannot be had. */
export async function apiKeyPath(
  { apiKeyFile, stateDir }: {
    readonly apiKeyFile: string | undefined;
    readonly stateDir: string | undefined;
  },
): Promise<string> {
  return apiKeyFile ?? join((await StateFolder.open(stateDir)).path, "api-keys.json");
}

async function openApiKeys({ auth, stateDir, emit }: Surroundings): Promise<Opened> {
  const path = await apiKeyPath({ apiKeyFile: auth.apiKeyFile, stateDir });
  return await naming("apiKeyFile", path, async () => {
    if (await ensureFirstKey(path)) emit({ type: "auth.first_key", file: firstKeyPath(path) });
    const usage = new KeyUsage(path, (error) => emit({ type: "fault", where: "use of API keys", error }));
    const kind = apiKeys({ path, onUsed: usage.note, emit });
    return { ...kind, [Symbol.asyncDispose]: () => usage[Symbol.asyncDispose]() };
  });
}

function openBearerTokens({ auth, emit }: Surroundings): Promise<Opened> {
  const { bearerToken: token, bearerTokenFile: path } = auth;
  return naming("bearerTokenFile", path ?? "", () => bearerTokens({ token, path, emit }));
}

async function naming<T>(option: string, path: string, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${optionName(option)} ${JSON.stringify(path)}: ${messageOf(cause)}`, { cause });
  }
}
