/** A request to a port of this machine. Not by fetch, which might send the token to the proxy of the environment. */
import process from "node:process";
import { GatewayError } from "../../core/errors.ts";

/** A status is some kilobytes. */
const MAX_ANSWER_CHARS = 4 * 1024 * 1024;

interface LocalRequest {
  readonly method: "GET" | "POST";
  readonly token: string;
  readonly timeoutMs: number;
}

interface LocalAnswer {
  readonly status: number;
  readonly text: string;
}

/** Rejects where nobody answers in time. */
export function askLocally(url: string, { method, token, timeoutMs }: LocalRequest): Promise<LocalAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<LocalAnswer>();
  const signal = AbortSignal.timeout(timeoutMs);
  const headers = { Authorization: `Bearer ${token}`, Connection: "close" };
  // The bundle would load it at each start of whatever command.
  const { request } = process.getBuiltinModule("node:http");
  const asked = request(url, { method, headers, signal }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      text += part;
      if (text.length > MAX_ANSWER_CHARS) response.destroy(new GatewayError("The answer has no end"));
    });
    response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    response.on("error", reject);
  });
  asked.on("error", reject);
  asked.end();
  return promise;
}
