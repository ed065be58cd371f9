/** Flags that other gateways have, and habit has people write: what does the same here, or why nothing does. */

const NO_AUTHENTICATION =
  "Keystone has no authentication in this version; keep it on loopback, or behind a reverse proxy that authenticates";
const ONE_SERVER = "Keystone serves one server and has no file of servers; start one Keystone for each";
const ROUTES = "did you mean --baseUrl, or --streamableHttpPath, --ssePath and --wsPath?";
const TOKEN = "did you mean --oauth2Bearer (or --oauth2BearerFile), the token for a remote server?";
const NO_OAUTH = "Keystone asks for no tokens in this version; --oauth2BearerFile gives it one";
const ENVIRONMENT = "the server gets Keystone's environment in any case; leave it out";
const NO_TUNNEL = "Keystone opens no tunnel; put one in front of it";
const TRUST = "Keystone checks certificates in any case; --caFile names more authorities to trust";

/** By the name without dashes and in lower case; by the letter as it is. */
const WAYS_OUT: ReadonlyMap<string, string> = new Map([
  ...each(["v", "V"], meant("--version")),
  ...each(["p", "ssePort", "listenPort"], meant("--port")),
  ...each(["e", "environment"], meant("--env")),
  ...each(["H", "headers"], meant("--header")),
  ...each(["command", "cmd", "exec", "c"], 'did you mean --stdio "command line"?'),
  ...each(["shell"], '--stdio "command line" starts a shell where the line needs one; leave it out'),
  ...each(["sseHost", "address", "bind", "listen", "hostname", "addr"], meant("--host")),
  ...each(["apiKey", "apiKeys", "strictAuth", "auth", "password"], NO_AUTHENTICATION),
  ...each(["token", "bearer", "bearerToken", "accessToken", "authToken"], TOKEN),
  ...each(["clientId", "clientSecret", "tokenUrl", "resource", "authTimeout"], NO_OAUTH),
  ...each(["staticOauthClientInfo", "staticOauthClientMetadata"], NO_OAUTH),
  ...each(["server", "transport", "serverType", "output"], meant("--outputTransport")),
  ...each(["stateless"], "without --stateful Keystone is stateless; leave it out"),
  ...each(["endpoint", "streamEndpoint", "mcpPath", "httpPath", "path"], meant("--streamableHttpPath")),
  ...each(["sseEndpoint"], meant("--ssePath")),
  ...each(["pathPrefix", "rootPath", "basePath", "prefix"], ROUTES),
  ...each(["allowOrigin", "allowOrigins", "corsAllowOrigins", "corsOrigin"], meant("--cors")),
  ...each(["allowHost", "allowHosts"], meant("--allowedHost")),
  ...each(["passEnvironment", "passEnv"], ENVIRONMENT),
  ...each(["namedServer", "namedServerConfig", "config", "configFile", "hotReload"], ONE_SERVER),
  ...each(["sslCert", "cert", "certFile", "sslCertfile"], meant("--tlsCert")),
  ...each(["sslKey", "key", "keyFile", "sslKeyfile"], meant("--tlsKey")),
  ...each(["sslCa", "ca", "caCert", "cacert"], meant("--caFile")),
  ...each(["noVerifySsl", "verifySsl", "insecure", "k"], TRUST),
  ...each(["allowHttp"], "a URL of http:// is taken as it is; leave it out"),
  ...each(["enableProxy"], "HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured in any case; leave it out"),
  ...each(["tunnel", "tunnelSubdomain", "ngrok"], NO_TUNNEL),
  ...each(["timeout", "callTimeout"], meant("--requestTimeout")),
  ...each(["connectionTimeout"], meant("--connectTimeout")),
  ...each(["gracefulShutdownTimeout"], meant("--shutdownTimeout")),
  ...each(["debug", "verbose"], meant("--logLevel debug")),
  ...each(["quiet", "silent", "q"], meant("--logLevel error")),
  ...each(["url", "remote", "remoteUrl"], "give the URL by itself, as in keystone https://example.com/mcp"),
]);

/** Undefined for a flag that is known nowhere. */
export function foreignFlagHint(flag: string): string | undefined {
  return WAYS_OUT.get(normal(flag.replace(/^-+/, "")));
}

function each(flags: readonly string[], wayOut: string): [string, string][] {
  return flags.map((flag) => [normal(flag), wayOut]);
}

function meant(flag: string): string {
  return `did you mean ${flag}?`;
}

function normal(name: string): string {
  return name.length === 1 ? name : name.replaceAll("-", "").toLowerCase();
}
