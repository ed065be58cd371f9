/** An answer of HTTP/1.1 on a connection whose bytes are ours. */
import { joinedBytes } from "../base/joined_bytes.ts";
import process from "node:process";
import { type ByteStream, writeAll } from "../wire/byte_stream.ts";
import { encodeHead } from "../wire/http_head.ts";

export interface AnswerOptions {
  /** To HEAD: the fields alone. */
  readonly fieldsOnly: boolean;
  /** Nothing follows on the connection. */
  readonly last: boolean;
  /** Fires when the client is gone: the body is cancelled then. */
  readonly signal?: AbortSignal | undefined;
}

type Target = Pick<ByteStream, "write">;
type Body = ReadableStreamDefaultReader<Uint8Array> | undefined;

const encoder = new TextEncoder();
/** RFC 9112, section 7.1: a body without a length comes in chunks, and an empty one is the last. */
const LAST_CHUNK = encoder.encode("0\r\n\r\n");
const CHUNK_END = encoder.encode("\r\n");

/** Settles when all of it is written. Throws what the stream or the body throws; the body is cancelled then. */
export async function writeAnswer(
  stream: Target,
  response: Response,
  options: AnswerOptions,
): Promise<void> {
  const { signal } = options;
  const body = response.body?.getReader();
  const stop = () => void body?.cancel().catch(() => {});
  if (signal?.aborted) return stop();
  signal?.addEventListener("abort", stop);
  // A body that was cancelled has an end like any other: nothing may say that it is whole.
  const open: Target = {
    write(bytes) {
      if (signal?.aborted) return Promise.resolve(bytes.length);
      return stream.write(bytes);
    },
  };
  try {
    if (isBodyless(response)) await writeFields(open, body, headOf(response, options));
    else if (options.fieldsOnly) {
      await writeFields(open, body, headOf(response, options, await lengthOf(response, body)));
    } else if (isLive(response)) await writeChunks(open, [], body, headOf(response, options, "chunked"));
    else await writeBody(open, body, (length) => headOf(response, options, length));
  } catch (error) {
    // Whoever makes it hears that nobody reads it any more.
    stop();
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** RFC 9110, sections 15.3.5 and 15.4.5. */
function isBodyless({ status }: Response): boolean {
  return status === 204 || status === 304;
}

/** Its first event must not wait for the second. */
function isLive({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith("text/event-stream") === true;
}

/** What HEAD is told of the body that GET would be given. */
async function lengthOf(response: Response, body: Body): Promise<number | "chunked"> {
  if (isLive(response)) return "chunked";
  const first = await nextOf(body);
  return first && await nextOf(body) ? "chunked" : first?.length ?? 0;
}

async function writeFields(stream: Target, body: Body, head: Uint8Array): Promise<void> {
  await body?.cancel();
  await writeAll(stream, head);
}

/** With its length where it is one piece. */
async function writeBody(
  stream: Target,
  body: Body,
  headWith: (length: number | "chunked") => Uint8Array,
): Promise<void> {
  const first = await nextOf(body);
  const second = first && await nextOf(body);
  if (first && second) return await writeChunks(stream, [first, second], body, headWith("chunked"));
  await writeAll(stream, joinedBytes(headWith(first?.length ?? 0), ...first ? [first] : []));
}

async function writeChunks(
  stream: Target,
  begun: readonly Uint8Array[],
  body: Body,
  head: Uint8Array,
): Promise<void> {
  await writeAll(stream, head);
  for (const bytes of begun) await writeChunk(stream, bytes);
  for (let bytes = await nextOf(body); bytes; bytes = await nextOf(body)) await writeChunk(stream, bytes);
  await writeAll(stream, LAST_CHUNK);
}

async function writeChunk(stream: Target, bytes: Uint8Array): Promise<void> {
  const size = encoder.encode(`${bytes.length.toString(16)}\r\n`);
  await writeAll(stream, joinedBytes(size, bytes, CHUNK_END));
}

/** What comes next and is not empty: an empty chunk would be the end. */
async function nextOf(body: Body): Promise<Uint8Array | undefined> {
  while (body) {
    const { value, done } = await body.read();
    if (done) return undefined;
    if (value.length > 0) return value;
  }
  return undefined;
}

function headOf(
  { status, statusText, headers }: Response,
  { last }: AnswerOptions,
  length?: number | "chunked",
): Uint8Array {
  const reason = statusText || reasonFor(status) || "";
  const framing = ["content-length", "transfer-encoding", "connection"];
  const fields = [...headers].filter(([name]) => !framing.includes(name));
  if (length === "chunked") fields.push(["transfer-encoding", "chunked"]);
  else if (length !== undefined) fields.push(["content-length", `${length}`]);
  if (last) fields.push(["connection", "close"]);
  if (!headers.has("date")) fields.push(["date", new Date().toUTCString()]);
  return encodeHead({ line: `HTTP/1.1 ${status} ${reason}`, fields });
}

/** Loaded with the first one: most gateways never answer by themselves, and the module takes some milliseconds of each start. */
function reasonFor(status: number): string | undefined {
  return process.getBuiltinModule("node:http").STATUS_CODES[status];
}
