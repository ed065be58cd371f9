/** Reading the answers of a remote that are no event streams. */
import { GatewayError, TooLargeError } from "../../core/errors.ts";
import { excessIn, isBatch } from "../../core/message/message_limits.ts";
import { parseFromServer, type Said } from "../../core/message/parse.ts";
import { readText } from "../../wire/bounded_text.ts";
import type { RemoteOptions } from "./remote.ts";
import { displayUrl, isHtml, lostAnswer, RemoteError, statusError } from "./remote_error.ts";
import { excerpt } from "../../base/telling.ts";
import { optionName } from "../../base/option_name.ts";

/** What an error message quotes from. */
const ERROR_BODY_BYTES = 64 * 1024;

/** The media type alone, in lower case; empty where there is none. */
export function contentType(response: Response): string {
  return response.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** The beginning of what an error answer says; empty where it is too long or breaks off. */
export async function errorText(response: Response): Promise<string> {
  const tooLarge = () => new TooLargeError("The error page is too long");
  return await readText(response.body, { maxBytes: ERROR_BODY_BYTES, tooLarge }).catch(() => "");
}

/**
 * Reads a JSON answer; it is empty where the request was taken and nothing else was said. Throws RemoteError for anything
 * else, TooLargeError for one that is too long.
 */
export async function readMessages(
  { url, maxMessageBytes: maxBytes, serverLimits }: RemoteOptions,
  response: Response,
): Promise<readonly Said[]> {
  const tooLarge = () =>
    new TooLargeError(
      `${displayUrl(url)} sent an answer longer than ${maxBytes} bytes (${optionName("maxMessageSize")})`,
    );
  const text = await readText(response.body, { maxBytes, tooLarge }).catch((error) => {
    throw error instanceof GatewayError ? error : lostAnswer(url, error);
  });
  if (text.trim() === "" || (response.status === 202 && contentType(response) !== "application/json")) {
    return [];
  }
  if (contentType(response) !== "application/json") throw unexpectedResponse(url, response, text);
  const { messages, refusal: cause } = parseFromServer(text, serverLimits);
  if (!cause || (messages.length > 0 && isBatch(text))) return messages;
  const what = excessIn(text, serverLimits) ?? "something that is not JSON-RPC";
  throw new RemoteError(`${displayUrl(url)} answered with ${what}`, { delivered: true, cause });
}

/** Why an answer is of no use: its status, or a type that is not MCP's. */
export function unexpectedResponse(url: URL, response: Response, text: string): RemoteError {
  if (!response.ok) return statusError(url, response, text);
  const what = isHtml(response, text)
    ? "an HTML page"
    : `Content-Type ${excerpt(contentType(response), 100) || "(none)"}`;
  return new RemoteError(`${displayUrl(url)} answered HTTP ${response.status} with ${what} instead of MCP`, {
    delivered: true,
    remoteStatus: response.status,
  });
}
