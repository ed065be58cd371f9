/** Clients that are slow in every way there is: they hold connections, and come again when one is ended. */

import { within } from "../../src/base/waiting.ts";
import { pause } from "./gateway.ts";

/** How often those that trickle say another byte. */
const TRICKLE_MS = 1_000;
/** Real ones do not do so all at the same moment. */
const TURNS = 50;
/** The pause before somebody comes again. */
const RETURN_MS = 100;
/** Longer than a gateway waits for who reads nothing: then it looks whether it was ended. */
const UNREAD_MS = 90_000;
const BODY_BYTES = 100_000;

interface Kind {
  /** What it says at once. */
  readonly begins: string;
  /** Whether it goes on, byte by byte. */
  readonly trickles: boolean;
  /** Whether it reads what it is told. */
  readonly reads: boolean;
}

function kindsFor({ host, pathname }: URL): Kind[] {
  const fields = `Host: ${host}\r\nContent-Type: application/json\r\n` +
    "Accept: application/json, text/event-stream\r\n";
  const head = `POST ${pathname} HTTP/1.1\r\n${fields}Content-Length: ${BODY_BYTES}\r\n`;
  // An answer of a megabyte, of which nothing is read.
  const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call",' +
    '"params":{"name":"echo","arguments":{"text":"x","fill":1000000}}}';
  return [
    { begins: head, trickles: false, reads: true },
    { begins: `${head}X-Slow: `, trickles: true, reads: true },
    { begins: `${head}\r\n{"jsonrpc":"2.0","id":1,"text":"`, trickles: false, reads: true },
    { begins: `${head}\r\n{"jsonrpc":"2.0","id":1,"text":"`, trickles: true, reads: true },
    {
      begins: `POST ${pathname} HTTP/1.1\r\n${fields}Content-Length: ${call.length}\r\n\r\n${call}`,
      trickles: false,
      reads: false,
    },
  ];
}

export class SlowClients implements AsyncDisposable {
  readonly #url: URL;
  readonly #open = new Set<Deno.TcpConn>();
  /** Whose turn it is, by turns. */
  readonly #trickling = Array.from({ length: TURNS }, () => new Set<Deno.TcpConn>());
  #joined = 0;
  #turn = 0;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #clients: Promise<void>[];
  readonly #over = Promise.withResolvers<void>();
  #ending = false;

  /** So many of them, of all kinds in turn; a connection that ends is opened again. */
  constructor(url: URL, count: number) {
    this.#url = url;
    this.#timer = setInterval(() => this.#trickle(), TRICKLE_MS / TURNS);
    const kinds = kindsFor(url);
    this.#clients = Array.from({ length: count }, (_, at) => this.#stay(kinds[at % kinds.length]!));
  }

  /** Settles when that many are connected. */
  async connected(count: number): Promise<void> {
    while (this.#open.size < count) await pause(RETURN_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    this.#over.resolve();
    clearInterval(this.#timer);
    for (const connection of this.#open) connection.close();
    this.#open.clear();
    await Promise.all(this.#clients);
  }

  async #stay(kind: Kind): Promise<void> {
    while (!this.#ending) {
      await this.#visit(kind).catch(() => {});
      if (!this.#ending) await pause(RETURN_MS);
    }
  }

  /** One connection to its end. */
  async #visit({ begins, trickles, reads }: Kind): Promise<void> {
    const { hostname, port } = this.#url;
    const connection = await Deno.connect({ hostname, port: Number(port) });
    if (this.#ending) return connection.close();
    this.#open.add(connection);
    try {
      await connection.write(new TextEncoder().encode(begins));
      if (trickles) this.#trickling[this.#joined++ % TURNS]?.add(connection);
      if (!reads) await within(UNREAD_MS, this.#over.promise);
      await readAll(connection);
    } finally {
      this.#leave(connection);
    }
  }

  #leave(connection: Deno.TcpConn): void {
    for (const turn of this.#trickling) turn.delete(connection);
    if (this.#open.delete(connection)) connection.close();
  }

  #trickle(): void {
    for (const connection of this.#trickling[this.#turn++ % TURNS] ?? []) {
      connection.write(Uint8Array.of(0x20)).catch(() => this.#leave(connection));
    }
  }
}

async function readAll(connection: Deno.TcpConn): Promise<void> {
  const bytes = new Uint8Array(1024);
  while (await connection.read(bytes) !== null);
}
