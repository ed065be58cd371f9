/** Callers over HTTP with SSE: they post on connections of their own and share one event stream. */
import type { Bench } from "./bench.ts";
import { type Caller, type CallersOptions, Mailbox } from "./caller.ts";
import { bodyLength, callParts } from "./calls.ts";
import { HttpConnection } from "./http_connection.ts";
import { initializeBody, INITIALIZED, postOf, refusal, requestHead } from "./session.ts";

interface Wire {
  readonly stream: HttpConnection;
  readonly mailbox: Mailbox;
  /** Where the stream says that messages go. */
  readonly endpoint: URL;
}

export async function openSseCallers(bench: Bench, url: URL, options: CallersOptions): Promise<Caller[]> {
  const wire = await openWire(url);
  const callers: Caller[] = [];
  for (let index = 0; index < options.count; index++) {
    const connection = await HttpConnection.open(url);
    if (index === 0) await initialize(wire, connection, bench.ids.next());
    callers.push(sseCaller(wire, connection, options));
  }
  return callers;
}

async function openWire(url: URL): Promise<Wire> {
  const stream = await HttpConnection.open(url);
  await stream.write(requestHead({ method: "GET", url, length: 0 }));
  const { head, rest } = await stream.readHead();
  if (head.slice(9, 12) !== "200") throw new Error(`No event stream: ${head.split("\r\n")[0]}`);
  const events = eventData(chunks(stream, rest));
  const { value } = await events.next();
  const mailbox = new Mailbox();
  mailbox.deliverAll(events);
  return { stream, mailbox, endpoint: new URL(value ?? "", url) };
}

async function initialize(
  { mailbox, endpoint }: Wire,
  connection: HttpConnection,
  id: number,
): Promise<void> {
  const request = postOf(endpoint, undefined, initializeBody(id));
  await Promise.all([mailbox.expect(id), post(connection, request)]);
  await post(connection, postOf(endpoint, undefined, INITIALIZED));
}

function sseCaller(wire: Wire, connection: HttpConnection, { shape }: CallersOptions): Caller {
  const { stream, mailbox, endpoint } = wire;
  const parts = callParts(shape);
  const head = requestHead({ url: endpoint, length: bodyLength(parts) });
  return {
    async call(id) {
      const request = head + parts.join(`${id}`);
      const [answer] = await Promise.all([mailbox.expect(id), post(connection, request)]);
      return answer;
    },
    close() {
      connection.close();
      stream.close();
    },
  };
}

async function post(connection: HttpConnection, request: string): Promise<void> {
  const answer = await connection.exchange(request);
  if (answer.status >= 300) throw new Error(refusal(answer));
}

/** What a chunked body carries, as it comes; `text` is what was read of it already. */
export async function* chunks(
  stream: Pick<HttpConnection, "read">,
  text: string,
): AsyncGenerator<string, void> {
  for (;;) {
    const line = text.indexOf("\r\n");
    const size = Number.parseInt(text, 16);
    const end = line + 2 + size;
    if (line < 0 || text.length < end + 2) {
      text += await stream.read();
      continue;
    }
    if (size === 0) return;
    yield text.slice(line + 2, end);
    text = text.slice(end + 2);
  }
}

/** The data of each event; every event that carries a message has one line of it. */
export async function* eventData(body: AsyncIterable<string>): AsyncGenerator<string, void> {
  let text = "";
  for await (const piece of body) {
    text += piece.replaceAll("\r", "");
    const end = text.lastIndexOf("\n\n") + 2;
    if (end < 2) continue;
    for (const [, data = ""] of text.slice(0, end).matchAll(/^data: ?(.*)$/gm)) yield data;
    text = text.slice(end);
  }
}
