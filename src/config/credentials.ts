/** The headers that a remote server gets: flags, files, and what stands in its URL. */
import { optionName } from "../base/option_name.ts";
import { ConfigError } from "../core/errors.ts";
import { readSecretOf } from "./files.ts";
import type { RemoteSettings } from "../backends/remote/options.ts";
import { bearerToken, headerLine } from "../options/network_values.ts";

/** By lower-case name. Throws ConfigError for a file that cannot be read or a line that is no header. */
export function remoteHeaders(config: RemoteSettings, url: URL): Record<string, string> {
  const { headers, headerFile, oauth2Bearer, oauth2BearerFile } = config;
  const all = [
    ...basicCredentials(url),
    ...headerFile === undefined ? [] : headersFrom(headerFile),
    ...headers,
    ...bearer(oauth2Bearer ?? (oauth2BearerFile === undefined ? undefined : tokenFrom(oauth2BearerFile))),
  ];
  return Object.fromEntries(all.map(([name, value]) => [name.toLowerCase(), value]));
}

type Header = readonly [name: string, value: string];

/** `fetch` refuses a URL with credentials in it; RFC 7617 says what they mean. */
function basicCredentials({ username, password }: URL): Header[] {
  if (username === "" && password === "") return [];
  const bytes = new TextEncoder().encode(`${percentDecoded(username)}:${percentDecoded(password)}`);
  return [["authorization", `Basic ${bytes.toBase64()}`]];
}

/** A URL may hold a % that begins no escape. */
function percentDecoded(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = Uint8Array.fromHex(escapes.replaceAll("%", ""));
    return new TextDecoder().decode(bytes);
  });
}

function headersFrom(path: string): Header[] {
  const lines = readSecretOf("headerFile", path).split(/\r?\n/);
  return lines.flatMap((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const result = headerLine().safeParse(line);
    if (result.success) return [result.data];
    // The line may be a secret.
    throw new ConfigError(
      `${optionName("headerFile")} ${JSON.stringify(path)}: line ${index + 1}: ${
        result.error.issues[0]?.message
      }`,
    );
  });
}

function tokenFrom(path: string): string {
  const result = bearerToken().safeParse(readSecretOf("oauth2BearerFile", path).trim());
  if (result.success) return result.data;
  throw new ConfigError(
    `${optionName("oauth2BearerFile")} ${JSON.stringify(path)}: expected one token and nothing else`,
  );
}

function bearer(token: string | undefined): Header[] {
  return token === undefined ? [] : [["authorization", `Bearer ${token}`]];
}
