/** Which key a remote server has to have: one that is given, or the one that it had when it was first called. */
import { optionName } from "../../base/option_name.ts";
import { BackendError, ConfigError, messageOf } from "../../core/errors.ts";
import { PRIVATE } from "../../files/private_file.ts";
import { readGuardedFile } from "../../files/secret_file.ts";
import { parseKeyLine, type PublicKey } from "../../wire/signing/public_key.ts";
import type { ServerTrust } from "./server_identity.ts";

/** By `SHA256:…`, as `keystone keypair show` prints it. */
export function pinnedKey(fingerprint: string): ServerTrust {
  return (origin, key) => {
    if (key.fingerprint === fingerprint) return;
    throw alarm(
      `${origin} has the key ${key.fingerprint}, and not ${fingerprint} (${optionName("serverKey")})`,
    );
  };
}

interface KnownHostsOptions {
  /** Hears of each server that is trusted from now on. */
  readonly onTrusted: (text: string) => void;
}

/** Lines of an origin and its key; who is not among them is trusted, and written there. Throws ConfigError for a file that is of no use. */
export function knownHosts(path: string, { onTrusted }: KnownHostsOptions): ServerTrust {
  startingWith(path);
  return (origin, key) => {
    const known = usable(() => readKnown(path)).get(origin) ?? [];
    if (known.some(({ fingerprint }) => fingerprint === key.fingerprint)) return;
    const [before] = known;
    if (before) {
      throw alarm(
        `${origin} has the key ${key.fingerprint}, and had ${before.fingerprint} before; where that is meant, ` +
          `take its line out of the file of ${optionName("knownHosts")}`,
      );
    }
    usable(() => Deno.writeTextFileSync(path, `${origin} ${key.line}\n`, { append: true, mode: PRIVATE }));
    onTrusted(
      `${origin} is called for the first time, and is known by its key ${key.fingerprint} from now on`,
    );
  };
}

function startingWith(path: string): void {
  try {
    readKnown(path);
  } catch (error) {
    throw new ConfigError(`${optionName("knownHosts")} ${JSON.stringify(path)}: ${messageOf(error)}`);
  }
}

/** Clients are told of it, and not where the file is. */
function usable<T>(use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const why = `The file of ${optionName("knownHosts")} cannot be used, so the server is not called`;
    throw new BackendError(why, { permanent: true, cause });
  }
}

/** By origin, which may have several keys. Throws an Error that says what is wrong with the file. */
function readKnown(path: string): ReadonlyMap<string, readonly PublicKey[]> {
  const read = readGuardedFile(path);
  if ("fault" in read) {
    if (read.fault === "there is no such file") return new Map();
    throw new Error(read.fault);
  }
  const lines = read.text.split(/\r?\n/).flatMap((line, index) =>
    line.trim() === "" || line.startsWith("#") ? [] : [knownIn(line, index + 1)]
  );
  const byOrigin = Map.groupBy(lines, ({ origin }) => origin);
  return new Map([...byOrigin].map(([origin, all]) => [origin, all.map(({ key }) => key)]));
}

function knownIn(line: string, number: number): { readonly origin: string; readonly key: PublicKey } {
  const [, origin = "", rest = ""] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
  try {
    return { origin, key: parseKeyLine(rest).key };
  } catch (error) {
    throw new Error(`line ${number}: ${messageOf(error)}`, { cause: error });
  }
}

function alarm(what: string): BackendError {
  return new BackendError(`Somebody else may be in the place of the server, which is not called: ${what}`, {
    permanent: true,
  });
}
