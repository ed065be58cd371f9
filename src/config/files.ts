import { ConfigError } from "../core/errors.ts";

/** The text of a file that an option names. Throws ConfigError with the flag and the path. */
export function readFileOf(flag: string, path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "there is no such file" : "the file cannot be read";
    throw new ConfigError(`${flag} ${JSON.stringify(path)}: ${why}`, { cause });
  }
}

/** As `readFileOf`, for certificates in PEM. */
export function readCertificatesOf(flag: string, path: string): string {
  const text = readFileOf(flag, path);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new ConfigError(`${flag} ${JSON.stringify(path)}: holds no certificate in PEM form`);
}

/** Throws ConfigError where there is no such folder. */
export function requireFolder(flag: string, path: string): void {
  const fault = `${flag} ${JSON.stringify(path)}: there is no such folder`;
  try {
    if (Deno.statSync(path).isDirectory) return;
  } catch (cause) {
    throw new ConfigError(fault, { cause });
  }
  throw new ConfigError(fault);
}
