/** What a certificate says of itself. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { addressBytes } from "./address.ts";

export const DAY_MS = 86_400_000;

export interface CertificateFacts {
  /** Milliseconds since 1970. */
  readonly validUntil: number;
  /** SHA-256 of all of it, as browsers and openssl show it. */
  readonly fingerprint: string;
}

/** As people and programs are told of it. */
export interface CertificateReport {
  readonly validUntil: string;
  /** Whole ones; below zero when it has expired. */
  readonly daysLeft: number;
  readonly fingerprint: string;
}

/** Of the first one in a PEM text, which is the one that clients judge; undefined for what cannot be read. */
export function factsOf(pem: string): CertificateFacts | undefined {
  const certificate = certificateIn(pem);
  if (!certificate) return undefined;
  return { validUntil: Date.parse(certificate.validTo), fingerprint: certificate.fingerprint256 };
}

export function reportOf({ validUntil, fingerprint }: CertificateFacts): CertificateReport {
  return { validUntil: new Date(validUntil).toISOString(), daysLeft: daysUntil(validUntil), fingerprint };
}

/** Whole ones; below zero for what is over. */
export function daysUntil(time: number, now = Date.now()): number {
  return Math.floor((time - now) / DAY_MS);
}

/** Whether both PEM texts are of one pair. */
export function belongTogether(cert: string, key: string): boolean {
  try {
    return certificateIn(cert)?.checkPrivateKey(createPrivateKey(key)) ?? false;
  } catch {
    // It is no key.
    return false;
  }
}

/** The names and addresses that it is for. */
export function namesOf(pem: string): string[] {
  const said = certificateIn(pem)?.subjectAltName?.split(", ") ?? [];
  return said.flatMap((one) => /^(?:DNS|IP Address):(.+)$/.exec(one)?.[1] ?? []);
}

/** An address may be written in several ways. */
export function isSameName(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

function canonical(name: string): string {
  return addressBytes(name)?.join(".") ?? name.toLowerCase();
}

function certificateIn(pem: string): X509Certificate | undefined {
  const [first] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem) ?? [];
  try {
    return first === undefined ? undefined : new X509Certificate(first);
  } catch {
    // Whoever serves with it says what is wrong with it.
    return undefined;
  }
}
