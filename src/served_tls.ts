/** The certificate as it is served: its successor when its files change, and how long it is good. */
import { ConfigError } from "./core/errors.ts";
import { background, type Sink } from "./core/events.ts";
import { optionName } from "./base/option_name.ts";
import type { TlsFiles } from "./server.ts";
import {
  type CertificateFacts,
  type CertificateReport,
  DAY_MS,
  daysUntil,
  factsOf,
  reportOf,
} from "./tls/certificate.ts";
import { ExpiryNotice } from "./tls/expiry_notice.ts";
import { PairWatch } from "./tls/pair_watch.ts";
import { readTls, type TlsSource } from "./tls_source.ts";

/** To look at two files costs some ten microseconds. */
const LOOK_MS = 1_000;

export class ServedTls implements Disposable {
  readonly #source: TlsSource;
  readonly #emit: Sink;
  readonly #watch: PairWatch;
  readonly #notice: ExpiryNotice;
  #files: TlsFiles;
  #facts: CertificateFacts | undefined;
  #renew: (files: TlsFiles) => void = () => {};
  #timer: ReturnType<typeof setInterval> | undefined;
  #keptAt = performance.now();

  /** Throws ConfigError for what is no certificate, or no key. */
  constructor(source: TlsSource, emit: Sink) {
    this.#source = source;
    this.#emit = emit;
    this.#watch = new PairWatch([source.certFile, source.keyFile], {
      take: () => this.#take(),
      onTrouble: (reason) => emit({ type: "tls.trouble", reason }),
    });
    this.#notice = new ExpiryNotice(source.certFile, emit);
    this.#files = readTls(source);
    this.#facts = factsOf(this.#files.cert);
  }

  get files(): TlsFiles {
    return this.#files;
  }

  /** Undefined where it cannot be read, though it is served. */
  get report(): CertificateReport | undefined {
    return this.#facts && reportOf(this.#facts);
  }

  /** Whether nobody vouches for it. */
  get isSelfSigned(): boolean {
    return this.#source.certOption === "tlsSelfSigned";
  }

  /** From now on `renew` is called with each pair that takes the place of the one before; it throws where that does not fit. */
  follow(renew: (files: TlsFiles) => void): void {
    this.#renew = renew;
    if (this.isSelfSigned && this.report) {
      const { fingerprint, validUntil } = this.report;
      this.#emit({ type: "tls.self_signed", file: this.#files.certFile, fingerprint, validUntil });
    }
    this.#tellExpiry();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** Now, and not only in a moment. */
  look(): void {
    this.#watch.look();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.look();
    this.#tellExpiry();
    if (performance.now() - this.#keptAt < DAY_MS) return;
    this.#keptAt = performance.now();
    if (this.#source.keep) background(this.#source.keep(), "renewal of the certificate", this.#emit);
  }

  #tellExpiry(): void {
    if (this.#facts) this.#notice.look(this.#facts);
  }

  /** Throws ConfigError. */
  #take(): void {
    const files = readTls(this.#source);
    if (files.cert === this.#files.cert && files.key === this.#files.key) return;
    const facts = factsOf(files.cert);
    if (facts) this.#refuseExpired(facts, files);
    this.#renew(files);
    this.#files = files;
    this.#facts = facts;
    const { certFile: file } = files;
    if (facts) this.#emit({ type: "tls.renewed", file, ...reportOf(facts) });
  }

  /** Clients would take the one before. */
  #refuseExpired({ validUntil }: CertificateFacts, { certFile, certOption }: TlsFiles): void {
    const isBetter = this.#facts !== undefined && daysUntil(this.#facts.validUntil) >= 0;
    if (!isBetter || daysUntil(validUntil) >= 0) return;
    throw new ConfigError(
      `${optionName(certOption)} ${JSON.stringify(certFile)}: the certificate has expired`,
    );
  }
}
