/** Writes log lines without ever holding up the gateway: a reader that stops reading loses lines, nothing else. */

/** What may wait for a slow reader; the oldest lines give way. The newest stays, whatever its length. */
const MAX_LINES = 10_000;
const MAX_CHARS = 16 * 1024 * 1024;

export interface LineWriter {
  write(line: string): void;
  /** Settles when everything has been written. */
  flush(): Promise<void>;
}

export function lineWriter(output: { write(bytes: Uint8Array): Promise<number> }): LineWriter {
  const encoder = new TextEncoder();
  let waiting: string[] = [];
  let chars = 0;
  let lost = 0;
  let writing: Promise<void> | undefined;

  function takeAll(): string {
    const text = (lost > 0 ? `(${lost} lines were lost: nobody read them)\n` : "") + waiting.join("");
    waiting = [];
    chars = 0;
    lost = 0;
    return text;
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const bytes = encoder.encode(takeAll());
      for (let at = 0; at < bytes.length;) at += await output.write(bytes.subarray(at));
    }
  }

  function start(): void {
    writing ??= writeAll()
      // A closed stderr is no reason to stop serving, and there is no place left to say so.
      .catch(() => {})
      .finally(() => {
        writing = undefined;
        // A line that came between the last look and this moment.
        if (waiting.length > 0) start();
      });
  }

  return {
    write(line) {
      waiting.push(line);
      chars += line.length;
      while (waiting.length > MAX_LINES || (chars > MAX_CHARS && waiting.length > 1)) {
        chars -= waiting.shift()?.length ?? 0;
        lost++;
      }
      start();
    },
    async flush() {
      while (writing) await writing;
    },
  };
}
