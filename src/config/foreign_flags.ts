/** Flags that other gateways have, and habit has people write: what does the same here, or why nothing does. */

const API_KEY = "did you mean --auth apiKey? keystone keys create makes keys";
const SERVERS_FILE = "did you mean --config? One file may hold several servers";
const ROUTES = "did you mean --basePath, what stands before all paths, or --baseUrl?";
const TOKEN = "did you mean --oauth2Bearer (or --oauth2BearerFile), the token for a remote server?";
const NO_OAUTH = "Keystone asks for no tokens in this version; --oauth2BearerFile gives it one";
const ENVIRONMENT = "the server gets Keystone's environment in any case; leave it out";
const NO_TUNNEL = "Keystone opens no tunnel; put one in front of it";
const IN_BACKGROUND = "to serve in the background, begin with the word start: keystone start …";
const TRUST = "Keystone checks certificates in any case; --caFile names more authorities to trust";

/** By the name without dashes and in lower case; by the letter as it is. */
const WAYS_OUT: ReadonlyMap<string, string> = new Map([
  ...sameAdvice(["v", "V"], meant("--version")),
  ...sameAdvice(["p", "ssePort", "listenPort"], meant("--port")),
  ...sameAdvice(["e", "environment"], meant("--env")),
  ...sameAdvice(["H", "headers"], meant("--header")),
  ...sameAdvice(["command", "cmd", "exec"], 'did you mean --stdio "command line"?'),
  ...sameAdvice(["shell"], '--stdio "command line" starts a shell where the line needs one; leave it out'),
  ...sameAdvice(["sseHost", "address", "bind", "listen", "hostname", "addr"], meant("--host")),
  ...sameAdvice(["apiKey", "apiKeys", "strictAuth", "password"], API_KEY),
  ...sameAdvice(["token", "bearer", "bearerToken", "accessToken", "authToken"], TOKEN),
  ...sameAdvice(["clientId", "clientSecret", "tokenUrl", "resource", "authTimeout"], NO_OAUTH),
  ...sameAdvice(["staticOauthClientInfo", "staticOauthClientMetadata"], NO_OAUTH),
  ...sameAdvice(["server", "transport", "serverType", "output"], meant("--outputTransport")),
  ...sameAdvice(["stateless"], "without --stateful Keystone is stateless; leave it out"),
  ...sameAdvice(["endpoint", "streamEndpoint", "mcpPath", "httpPath", "path"], meant("--streamableHttpPath")),
  ...sameAdvice(["sseEndpoint"], meant("--ssePath")),
  ...sameAdvice(["pathPrefix", "rootPath", "prefix"], ROUTES),
  ...sameAdvice(["allowOrigin", "allowOrigins", "corsAllowOrigins", "corsOrigin"], meant("--cors")),
  ...sameAdvice(["allowHost", "allowHosts"], meant("--allowedHost")),
  ...sameAdvice(["passEnvironment", "passEnv"], ENVIRONMENT),
  ...sameAdvice(["namedServer", "namedServerConfig", "configFile", "c"], SERVERS_FILE),
  ...sameAdvice(["sslCert", "cert", "certFile", "sslCertfile"], meant("--tlsCert")),
  ...sameAdvice(["sslKey", "key", "keyFile", "sslKeyfile"], meant("--tlsKey")),
  ...sameAdvice(["sslCa", "ca", "caCert", "cacert"], meant("--caFile")),
  ...sameAdvice(["noVerifySsl", "verifySsl", "insecure", "k"], TRUST),
  ...sameAdvice(["allowHttp"], "a URL of http:// is taken as it is; leave it out"),
  ...sameAdvice(
    ["enableProxy"],
    "HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured in any case; leave it out",
  ),
  ...sameAdvice(["tunnel", "tunnelSubdomain", "ngrok"], NO_TUNNEL),
  ...sameAdvice(["timeout"], meant("--requestTimeout")),
  ...sameAdvice(["connectionTimeout"], meant("--connectTimeout")),
  ...sameAdvice(["gracefulShutdownTimeout"], meant("--shutdownTimeout")),
  ...sameAdvice(["debug", "verbose"], meant("--logLevel debug")),
  ...sameAdvice(["d", "daemon", "daemonize", "detach", "background"], IN_BACKGROUND),
  ...sameAdvice(["name", "n"], "gateways in the background have names: keystone start --name …"),
  ...sameAdvice(["foreground"], "without the word start Keystone stays in the foreground; leave it out"),
  ...sameAdvice(["grace"], meant("--shutdownTimeout")),
  ...sameAdvice(["quiet", "silent", "q"], meant("--logLevel error")),
  ...sameAdvice(
    ["url", "remote", "remoteUrl"],
    "give the URL by itself, as in keystone https://example.com/mcp",
  ),
]);

/** Undefined for a flag that is known nowhere. */
export function foreignFlagHint(flag: string): string | undefined {
  return WAYS_OUT.get(normal(flag.replace(/^-+/, "")));
}

function sameAdvice(flags: readonly string[], wayOut: string): [string, string][] {
  return flags.map((flag) => [normal(flag), wayOut]);
}

function meant(flag: string): string {
  return `did you mean ${flag}?`;
}

function normal(name: string): string {
  return name.length === 1 ? name : name.replaceAll("-", "").toLowerCase();
}
