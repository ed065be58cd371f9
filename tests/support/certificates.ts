/** Certificates of the tests' own, as people make them: by `openssl`, which a machine may lack. */

import { printedBy } from "./programs.ts";

/** One that signs for another comes with the third version. */
export const hasOpenssl = /^OpenSSL [3-9]/.test(await printedBy("openssl", "version") ?? "");

/** Texts in PEM, and where the first of them lies as a file. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly file: string;
}

interface CertificateOptions {
  /** Whose signature it has; its own by default. */
  readonly issuer?: Certificate;
  /** Lines as `-addext` takes them; none is what everybody gets who adds none. */
  readonly extensions?: readonly string[];
  readonly subject?: string;
  readonly expired?: boolean;
  /** How long it is good; 30 by default. */
  readonly days?: number;
}

/** What a server needs that is called by its address, and is no authority. */
export const FOR_LOOPBACK = ["basicConstraints=critical,CA:FALSE", "subjectAltName=IP:127.0.0.1"];

/** They are gone with it. */
export class Certificates implements AsyncDisposable {
  readonly #folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async begin(): Promise<Certificates> {
    return new Certificates(await Deno.makeTempDir({ prefix: "keystone-certificates-" }));
  }

  async make(
    { issuer, extensions = [], subject = "/CN=Keystone test", expired, days = 30 }: CertificateOptions = {},
  ): Promise<
    Certificate
  > {
    const base = `${this.#folder}/${++this.#count}`;
    const [file, keyFile] = [`${base}.pem`, `${base}.key`];
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const added = extensions.flatMap((line) => ["-addext", line]);
    const signed = issuer ? ["-CA", issuer.file, "-CAkey", issuer.file.replace(/pem$/, "key")] : [];
    const args = [
      ...kind,
      "-days",
      `${days}`,
      "-subj",
      subject,
      ...added,
      ...signed,
      "-keyout",
      keyFile,
      "-out",
      file,
    ];
    await openssl("req", "-x509", ...args);
    // `req` makes none that is over already.
    if (expired) await openssl("x509", "-in", file, "-signkey", keyFile, "-days", "-1", "-out", file);
    return { cert: await Deno.readTextFile(file), key: await Deno.readTextFile(keyFile), file };
  }

  /** An authority, and what it has signed for a server at 127.0.0.1. */
  async pair(): Promise<{ authority: Certificate; server: Certificate }> {
    const authority = await this.make({ subject: "/CN=Keystone test authority" });
    return { authority, server: await this.make({ issuer: authority, extensions: FOR_LOOPBACK }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, stdin: "null" }).output();
  if (!success) throw new Error(`openssl failed:\n${new TextDecoder().decode(stderr)}`);
}
