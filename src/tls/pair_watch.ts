/**
 * Notices that a certificate and its key are others than before. The two files change one after the other, so what does
 * not fit may do so in a moment: it is told when it still does not at the next look, and tried again at each.
 */
import { messageOf } from "../core/errors.ts";
import { signatureOf } from "../files/fresh_file.ts";

interface PairWatchOptions {
  /** Reads both and has them count; throws an Error that says why they cannot. */
  readonly take: () => void;
  /** Hears once of each pair that cannot be taken. */
  readonly onTrouble: (reason: string) => void;
}

export class PairWatch {
  readonly #files: readonly string[];
  readonly #options: PairWatchOptions;
  #seen: string;
  #fits = true;
  /** Of the pair that was told of. */
  #told: string | undefined;

  /** To be made before they are read for the first time. */
  constructor(files: readonly string[], options: PairWatchOptions) {
    this.#files = files;
    this.#options = options;
    this.#seen = this.#signature;
  }

  /** To be called now and then. */
  look(): void {
    const signature = this.#signature;
    const lasts = signature === this.#seen;
    if (lasts && this.#fits) return;
    this.#seen = signature;
    const reason = this.#tried();
    this.#fits = reason === undefined;
    if (reason === undefined) this.#told = undefined;
    else if (lasts && this.#told !== signature) this.#tell(reason, signature);
  }

  #tell(reason: string, signature: string): void {
    this.#told = signature;
    this.#options.onTrouble(reason);
  }

  #tried(): string | undefined {
    try {
      this.#options.take();
    } catch (error) {
      return messageOf(error);
    }
  }

  get #signature(): string {
    return this.#files.map(signatureOf).join("\n");
  }
}
