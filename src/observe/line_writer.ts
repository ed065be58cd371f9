/** Writes log lines without ever holding up the gateway: a reader that stops reading loses lines, nothing else. */

/** What may wait for a slow reader of stderr; the oldest lines give way. */
const MAX_WAITING = 10_000;

export interface LineWriter {
  write(line: string): void;
  /** Settles when everything has been written. */
  flush(): Promise<void>;
}

export function lineWriter(output: { write(bytes: Uint8Array): Promise<number> }): LineWriter {
  const encoder = new TextEncoder();
  let waiting: string[] = [];
  let lost = 0;
  let writing: Promise<void> | undefined;

  function takeAll(): string {
    const text = (lost > 0 ? `(${lost} lines were lost: nobody read them)\n` : "") + waiting.join("");
    waiting = [];
    lost = 0;
    return text;
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const bytes = encoder.encode(takeAll());
      for (let at = 0; at < bytes.length;) at += await output.write(bytes.subarray(at));
    }
  }

  return {
    write(line) {
      waiting.push(line);
      if (waiting.length > MAX_WAITING) waiting.shift(), lost++;
      writing ??= writeAll()
        // A closed stderr is no reason to stop serving, and there is no place left to say so.
        .catch(() => void (waiting = []))
        .finally(() => writing = undefined);
    },
    async flush() {
      await writing;
    },
  };
}
