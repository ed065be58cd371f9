/** A real socket in front of a handler of upgrades, and nothing else: every connection is asked for one head. */
import { toResponse } from "../../src/core/errors.ts";
import { type ByteStream, withBefore, writeAll } from "../../src/wire/byte_stream.ts";
import { encodeHead, type Head, readHead } from "../../src/wire/http_head.ts";
import type { Upgrade } from "../../src/wire/upgrade.ts";

export type UpgradeHandler = (request: Request) => Promise<Upgrade>;

export interface UpgradeServer extends AsyncDisposable {
  readonly port: number;
}

const MAX_HEAD_BYTES = 16 * 1024;

export function serveUpgrades(handler: UpgradeHandler): UpgradeServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const running: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) running.push(serveOne(connection, handler));
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(running);
    },
  };
}

async function serveOne(
  connection: Deno.Conn,
  handler: UpgradeHandler,
): Promise<void> {
  const received = await readHead(connection, MAX_HEAD_BYTES).catch(() => undefined);
  if (!received) return connection.close();
  try {
    const upgrade = await handler(requestOf(received.head));
    await writeAll(connection, headOf(101, upgrade.headers));
    await upgrade.run(withBefore(received.rest, connection));
  } catch (error) {
    await refuse(connection, toResponse(error));
  }
}

function requestOf({ line, fields }: Head): Request {
  const [method = "", target = ""] = line.split(" ");
  return new Request(`http://127.0.0.1${target}`, {
    method,
    headers: fields.map(([name, value]): [string, string] => [name, value]),
  });
}

async function refuse(stream: ByteStream, { status, headers }: Response): Promise<void> {
  await writeAll(stream, headOf(status, { ...Object.fromEntries(headers), "Content-Length": "0" }));
  stream.close();
}

function headOf(status: number, fields: Readonly<Record<string, string>>): Uint8Array {
  return encodeHead({ line: `HTTP/1.1 ${status} Of the test`, fields: Object.entries(fields) });
}
