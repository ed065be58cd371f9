/** An answer of an issuer, within a time and a size. */

/** What has to be known of an issuer cannot be had for now. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

export interface FetchLimits {
  readonly fetchTimeoutMs: number;
  readonly maxFetchBytes: number;
}

/** Throws UnreachableError for any answer but 200, also for redirects: they could lead anywhere. */
export async function fetchText(url: string, limits: FetchLimits): Promise<string> {
  const signal = AbortSignal.timeout(limits.fetchTimeoutMs);
  const headers = { Accept: "application/json, application/jwk-set+json" };
  try {
    const response = await fetch(url, { signal, headers, redirect: "manual" });
    if (response.status === 200) return await textOf(response, limits.maxFetchBytes);
    await response.body?.cancel();
    throw new UnreachableError(`${url} is answered with status ${response.status}`);
  } catch (cause) {
    if (cause instanceof UnreachableError) throw cause;
    const why = signal.aborted ? `is not answered within ${limits.fetchTimeoutMs} ms` : "cannot be reached";
    throw new UnreachableError(`${url} ${why}`, { cause });
  }
}

/** Who leaves the loop has the rest cancelled. */
async function textOf({ body, url }: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const piece of body ?? []) {
    bytes += piece.length;
    if (bytes > maxBytes) throw new UnreachableError(`${url} is answered with more than ${maxBytes} bytes`);
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
