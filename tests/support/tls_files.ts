/** Files of a certificate and its key, as a gateway serves them and as whoever renews them puts others there. */
import { Certificates, FOR_LOOPBACK } from "./certificates.ts";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export class TlsFiles implements AsyncDisposable {
  readonly certificates: Certificates;
  readonly #folder: string;

  private constructor(certificates: Certificates, folder: string) {
    this.certificates = certificates;
    this.#folder = folder;
  }

  /** With a pair that is good for so many days, or expired. */
  static async begin(
    options: { readonly days?: number; readonly expired?: boolean } = {},
  ): Promise<TlsFiles> {
    const files = new TlsFiles(
      await Certificates.begin(),
      await Deno.makeTempDir({ prefix: "keystone-tls-" }),
    );
    await files.put(await files.make(options));
    return files;
  }

  get cert(): string {
    return `${this.#folder}/cert.pem`;
  }

  get flags(): string[] {
    return ["--tlsCert", this.cert, "--tlsKey", `${this.#folder}/key.pem`];
  }

  /** Of a server at 127.0.0.1. */
  async make(options: { readonly days?: number; readonly expired?: boolean } = {}): Promise<Pair> {
    return await this.certificates.make({ ...options, extensions: FOR_LOOPBACK });
  }

  /** What of a pair is given, in the place of what is there. */
  async put({ cert, key }: Partial<Pair>): Promise<void> {
    if (key !== undefined) await replace(`${this.#folder}/key.pem`, key);
    if (cert !== undefined) await replace(this.cert, cert);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.certificates[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function replace(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text, { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
}
