/** The MCP server that is served, as a Backend: a child process or a remote. */
import { optionName } from "./base/option_name.ts";
import { type HttpClient, httpClient } from "./backends/remote/http_client.ts";
import { REMOTE_BACKENDS } from "./backends/mod.ts";
import { processBackend } from "./backends/process/process.ts";
import { resolveCommand } from "./backends/process/resolve_command.ts";
import type { ServerTrust } from "./backends/remote/server_identity.ts";
import { knownHosts, pinnedKey } from "./backends/remote/server_trust.ts";
import { anyTarget, sameNetwork } from "./backends/remote/target.ts";
import { remoteHeaders } from "./config/credentials.ts";
import { readCertificatesOf, readKeyPairOf, requireFolder } from "./config/files.ts";
import type { ServerCommand, ServerConfig, ServerRemote } from "./config/mod.ts";
import type { Backend } from "./core/backend.ts";
import { BackendError, ConfigError } from "./core/errors.ts";
import type { Sink } from "./core/events.ts";
import { requestSigner } from "./wire/signing/request_signature.ts";

export interface Upstream {
  readonly backend: Backend;
  /** Whether each `open` starts a process of ours. */
  readonly spawns: boolean;
  /** At once: every child and its group gets SIGKILL. */
  kill(): void;
}

/** Throws ConfigError for what can be known to be wrong before the server is started or called. */
export function createUpstream(config: ServerConfig, emit: Sink): Upstream {
  const { server } = config;
  return server.kind === "command" ? createChild(config, server, emit) : createRemote(config, server, emit);
}

/** One that stands for a server of which it is known that it cannot be had: whoever asks for it hears so. */
export function unusableUpstream({ server }: ServerConfig): Upstream {
  const backend: Backend = {
    name: server.label,
    open: () => Promise.reject(new BackendError("The MCP server could not be started", { permanent: true })),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { backend, spawns: false, kill: () => {} };
}

function createChild(config: ServerConfig, server: ServerCommand, emit: Sink): Upstream {
  const { cwd, env, maxMessageBytes, serverLimits, stopTimeoutMs } = config;
  if (cwd !== undefined) requireFolder("cwd", cwd);
  const backend = processBackend({
    name: server.label,
    program: server.shell ? server.program : findProgram(config, server),
    args: server.args,
    shell: server.shell,
    ...{ env, cwd, maxMessageBytes, serverLimits, stopTimeoutMs, emit },
  });
  return { backend, spawns: true, kill: () => backend.kill() };
}

function findProgram({ cwd, env }: ServerConfig, { program, flag }: ServerCommand): string {
  try {
    return resolveCommand(program, { cwd, path: env.PATH, pathExt: env.PATHEXT });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${flag}: ${error.message}`, { cause: error });
  }
}

function createRemote(config: ServerConfig, { wire, url }: ServerRemote, emit: Sink): Upstream {
  const {
    maxMessageBytes,
    serverLimits,
    maxBufferedMessages,
    maxBufferedBytes,
    connectTimeoutMs,
    retry,
  } = config;
  const client = createClient(config, url, emit);
  const options = {
    client,
    maxMessageBytes,
    serverLimits,
    maxBufferedMessages,
    maxBufferedBytes,
    connectTimeoutMs,
    retry,
    emit,
  };
  const backend = REMOTE_BACKENDS[wire]({ ...options, url: withoutCredentials(url) });
  return { backend: withClient(backend, client), spawns: false, kill: () => {} };
}

/** What is kept for connections goes with the server, of whose end more than one may tell. */
function withClient(backend: Backend, client: HttpClient): Backend {
  let ended = false;
  return {
    name: backend.name,
    open: (launch, signal) => backend.open(launch, signal),
    async [Symbol.asyncDispose]() {
      if (ended) return;
      ended = true;
      await backend[Symbol.asyncDispose]();
      client[Symbol.dispose]();
    },
  };
}

function createClient(config: ServerConfig, url: URL, emit: Sink): HttpClient {
  const { caFile, keypair, allowPrivateRedirects, remoteIdleMs: idleMs } = config;
  const caCerts = caFile === undefined ? [] : [readCertificatesOf("caFile", caFile)];
  const checkTarget = allowPrivateRedirects ? anyTarget : sameNetwork(url);
  const sign = keypair === undefined ? undefined : requestSigner(readKeyPairOf("keypair", keypair));
  const trust = trustOf(config, emit);
  const options = { headers: remoteHeaders(config, url), sign, trust, caCerts, checkTarget, idleMs };
  try {
    return httpClient(options);
  } catch (cause) {
    throw new ConfigError(`${optionName("caFile")} ${JSON.stringify(caFile)}: holds a broken certificate`, {
      cause,
    });
  }
}

function trustOf({ serverKey, knownHosts: path }: ServerConfig, emit: Sink): ServerTrust | undefined {
  if (serverKey !== undefined) return pinnedKey(serverKey);
  if (path === undefined) return undefined;
  return knownHosts(path, { onTrusted: (text) => emit({ type: "warning", text }) });
}

function withoutCredentials(url: URL): URL {
  const bare = new URL(url);
  bare.username = bare.password = "";
  return bare;
}
