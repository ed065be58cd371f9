/** Opens callers over every wire. */
import type { Bench } from "./bench.ts";
import type { Caller, CallersOptions } from "./caller.ts";
import { bodyLength, callParts } from "./calls.ts";
import type { Gateway } from "./gateway.ts";
import { openHttp2Callers } from "./http2_callers.ts";
import { HttpConnection } from "./http_connection.ts";
import { refusal, requestHead } from "./session.ts";
import { openSseCallers } from "./sse_callers.ts";
import { openWebSocketCallers } from "./websocket_callers.ts";

/** Opens the callers that the mode of the gateway asks for. */
export async function openCallers(
  bench: Bench,
  gateway: Gateway,
  options: CallersOptions,
): Promise<Caller[]> {
  switch (gateway.mode) {
    case "sse":
      return await openSseCallers(bench, gateway.url, options);
    case "ws":
      return await openWebSocketCallers(bench, gateway.url, options);
    case "tls":
      return await openHttp2Callers(bench, gateway.url, options);
    default:
      return await openHttpCallers(gateway.url, options);
  }
}

async function openHttpCallers(url: URL, { count, shape, sessions }: CallersOptions): Promise<Caller[]> {
  const parts = callParts(shape);
  const length = bodyLength(parts);
  const callers: Caller[] = [];
  for (let index = 0; index < count; index++) {
    const own = everyFrom(sessions, index, count);
    const heads = own.map((session) => requestHead({ url, session, length, modern: shape.modern }));
    callers.push(httpCaller(await HttpConnection.open(url), heads, parts));
  }
  return callers;
}

/** Of many sessions each caller has some; of few, several callers have the same. */
function everyFrom<T>(items: readonly T[], first: number, step: number): T[] {
  const start = first % items.length;
  return items.filter((_, index) => index >= start && (index - start) % step === 0);
}

function httpCaller(connection: HttpConnection, heads: readonly string[], parts: readonly string[]): Caller {
  let turn = 0;
  return {
    async call(id) {
      const answer = await connection.exchange(heads[turn++ % heads.length] + parts.join(`${id}`));
      if (answer.status !== 200) throw new Error(refusal(answer));
      return answer.body;
    },
    close: () => connection.close(),
  };
}
