/** Tells whoever asks who this gateway is: `GET /.well-known/keystone-identity?nonce=…`. */
import type { Caller } from "../../core/caller.ts";
import { RequestError } from "../../core/errors.ts";
import { NONCE, signedStatement } from "../../wire/signing/identity.ts";
import type { KeyPair } from "../../wire/signing/key_pair.ts";

interface IdentityOptions {
  readonly pair: KeyPair;
  /** The URL that the sender has used; undefined where that is none of ours. */
  readonly publicUrl: (request: Request, caller: Caller) => string | undefined;
}

/** Throws RequestError for a question that cannot be answered. */
export function identityOf({ pair, publicUrl }: IdentityOptions) {
  return (request: Request, caller: Caller): Response => {
    const nonce = URL.parse(request.url)?.searchParams.get("nonce") ?? "";
    if (!NONCE.test(nonce)) {
      throw new RequestError("Bad Request: nonce must be 16 to 128 letters, digits, - and _");
    }
    // Nothing is signed in the name of another.
    const url = URL.parse(publicUrl(request, caller) ?? "");
    if (!url) throw new RequestError("Misdirected Request: this host is not known here", { status: 421 });
    return Response.json(
      signedStatement(pair, { origin: url.origin, nonce, time: new Date().toISOString() }),
      {
        headers: { "Cache-Control": "no-store" },
      },
    );
  };
}
