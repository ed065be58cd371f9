/** A gateway with a name, which other commands look after while it runs. */
export interface Kept {
  /** Of its admin endpoint. */
  readonly token: string;
  /** Where others find that. */
  readonly tokenPath: string;
  /** Nobody reads a banner. */
  readonly quiet: boolean;
  /** It serves. */
  ready(serving: Serving): Promise<void>;
}

export interface Serving {
  /** Where clients of the network reach it, the preferred one first. */
  readonly urls: readonly string[];
  readonly adminUrl: string;
}
