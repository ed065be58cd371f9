/** Which headers of a remote may be set while the gateway runs, and which variables a caller may never set. */

/** Of one connection (RFC 9110, section 7.6.1), or what the gateway says itself of each message and session. */
const OWN_HEADERS =
  /^(?:connection|keep-alive|proxy-connection|proxy-authenticate|proxy-authorization|te|trailer|transfer-encoding|upgrade|expect|host|content-(?:length|type|encoding)|accept(?:-encoding)?|last-event-id|mcp-(?:session-id|protocol-version)|sec-websocket-.*)$/i;

export function isOwnHeader(name: string): boolean {
  return OWN_HEADERS.test(name);
}

/** By these a client would have programs of its own run. */
const PROGRAM_VARIABLES =
  /^(?:PATH|PATHEXT|COMSPEC|IFS|ENV|BASH_ENV|SHELLOPTS|BASHOPTS|PS4|EDITOR|VISUAL|PAGER|BROWSER|LD_.*|DYLD_.*|NODE_OPTIONS|NODE_PATH|NPM_CONFIG_.*|DENO_.*|BUN_.*|PYTHON.*|PIP_.*|UV_.*|RUBYOPT|RUBYLIB|PERL5.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|DOTNET_.*|COR_.*|CORECLR_.*|GIT_(?!HUB).*)$/i;

export function runsPrograms(variable: string): boolean {
  return PROGRAM_VARIABLES.test(variable);
}
