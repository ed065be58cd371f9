/** A connection that says what no client library would, and hears the whole answer. */
import { writeAll } from "../../src/wire/byte_stream.ts";
import { inTime } from "../contract/deadline.ts";

interface RawReply {
  readonly status: number;
  /** Everything after the status line. */
  readonly text: string;
}

/** Writes the text, closes that side, and reads to the end. The request should ask for the connection's end. */
export async function say(port: number, text: string, hostname = "127.0.0.1"): Promise<RawReply> {
  const connection = await Deno.connect({ port, hostname });
  const writing = writeAll(connection, new TextEncoder().encode(text)).catch(ignoreBroken);
  const read = new Response(connection.readable).text().catch(() => "");
  const answer = await inTime(read, `The answer to ${JSON.stringify(text.slice(0, 80))}`, 30_000);
  await writing;
  return { status: Number(/^HTTP\/1\.\d (\d{3})/.exec(answer)?.[1] ?? 0), text: answer };
}

/** The lines of a request, with an end to its connection. */
export function rawRequestOf(start: string, headers: readonly string[], body = ""): string {
  return [start, ...headers, "Connection: close", "", body].join("\r\n");
}

/** A server need not read what it refuses. */
function ignoreBroken(error: unknown): void {
  if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset)) throw error;
}

/** An address of this machine that others reach it by; undefined where it has none. */
export function networkAddress(): string | undefined {
  return Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  )
    ?.address;
}
