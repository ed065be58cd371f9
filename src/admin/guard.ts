/**
 * Who may use the admin endpoint: a program on this machine that has read the token. A browser never is one, whatever page
 * it shows: what it sends names an origin, or by DNS rebinding a foreign host.
 */
import { Failures, wholeSeconds } from "../base/failures.ts";
import { RequestError } from "../core/errors.ts";
import { isLoopbackAddress } from "../core/caller.ts";
import type { AdminHandler } from "./admin_env.ts";
import { isSameToken } from "./token.ts";

/** More wrong tokens are turned away, and neither looked at nor logged. Whoever may call is on this machine: all count as one. */
const WRONG_TOKENS = { free: 20, windowMs: 60_000, firstWaitMs: 1_000, maxWaitMs: 60_000, maxKeys: 2 };
const ANYBODY = "";

export interface GuardOptions {
  readonly token: string;
  /** That is listened on. */
  readonly port: number;
  /** Where it stands, for the log. */
  readonly tokenFile: string;
}

/** Throws RequestError: 403, 401, and 429 after many wrong tokens. Who has the right one is never turned away. */
export function guard({ token, port, tokenFile }: GuardOptions): AdminHandler {
  const failures = new Failures(WRONG_TOKENS);
  return async ({ req, env }, next) => {
    if (!isLoopbackAddress(env.caller.address ?? "")) throw forbidden("only this machine may call");
    checkHost(req.header("host"), port);
    if (req.header("origin") !== undefined) {
      throw forbidden("it is not for web pages, and Origin is sent by them");
    }
    if (!isSameToken(bearerOf(req.header("authorization")), token)) throw refusal(failures, tokenFile);
    await next();
  };
}

/** The names that lead to what is bound. */
function checkHost(host: string | undefined, port: number): void {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (names.includes(host?.toLowerCase() ?? "")) return;
  throw forbidden(`Host has to be ${names.join(" or ")}`);
}

function bearerOf(authorization = ""): string {
  return /^Bearer +([\w~+/.-]+=*)$/i.exec(authorization)?.[1] ?? "";
}

function refusal(failures: Failures, tokenFile: string): RequestError {
  const waitMs = failures.waitMs(ANYBODY);
  if (waitMs > 0) {
    const headers = { "Retry-After": `${wholeSeconds(waitMs)}` };
    return new RequestError("Too many wrong tokens: try again later", { status: 429, headers });
  }
  failures.add(ANYBODY);
  const headers = { "WWW-Authenticate": 'Bearer realm="keystone admin"' };
  const message = 'Unauthorized: send "Authorization: Bearer …" with the token of the state folder';
  // An answer has no path in it.
  return new RequestError(message, { status: 401, headers, logged: `${message}: ${tokenFile}` });
}

function forbidden(why: string): RequestError {
  return new RequestError(`Forbidden: ${why}`, { status: 403 });
}
