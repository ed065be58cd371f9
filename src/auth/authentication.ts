/** The policy that lets in who belongs: asks each kind of proof in turn, and any one suffices. */
import type { BodyCheck, Caller } from "../core/caller.ts";
import { BusyError, type GatewayError, RequestError } from "../core/errors.ts";
import type { Sink } from "../core/events.ts";
import { type HttpPolicy, isPending } from "../core/http_policy.ts";
import { type Authenticator, type AuthKind, type Denial, type Identity, isDenial } from "./authenticator.ts";
import type { DigestCheck } from "../wire/signing/content_digest.ts";
import { joinedChallenges } from "./challenge.ts";
import { Credentials, type CredentialsOptions } from "./credentials.ts";
import type { ProtectedResources } from "./protected_resource.ts";
import { ticketIn, type Tickets } from "./tickets.ts";

/** Who tries one credential after another from one address has to wait. */
export interface AttemptLimit {
  /** Why an address has to wait from which too many have failed. */
  refusal(address: string | undefined): GatewayError | undefined;
  failed(address: string | undefined): void;
}

export interface AuthenticationOptions {
  readonly authenticators: readonly Authenticator[];
  /** Whether who brings nothing is let in all the same. */
  readonly optional: boolean;
  /** What those may do. */
  readonly anonymousScopes: readonly string[];
  readonly apiKeyInQuery: boolean;
  /** What lets in where a browser can set no header. */
  readonly tickets: Tickets;
  /** The URL that a sender has used; undefined where that is none of ours. */
  readonly publicUrl: (request: Request, caller: Caller) => string | undefined;
  readonly attempts?: AttemptLimit | undefined;
  /** Counts somebody who is nobody: what that one is told in place of 401, where there were too many. */
  readonly strangerRefusal?: ((caller: Caller) => GatewayError | undefined) | undefined;
  /** Where it depends on what is asked for who is let in. */
  readonly resources?: (() => ProtectedResources | undefined) | undefined;
  readonly emit: Sink;
}

const REFUSED_UNJUDGED = {
  type: "auth.refused",
  kind: undefined,
  credential: undefined,
  countable: true,
} as const;

const UNJUDGED =
  "Service Unavailable: the credentials cannot be judged at the moment; come later, signed anew";

/** How a request was judged: by which kind, and to what it came. */
interface Judged {
  readonly kind: AuthKind | "ticket" | undefined;
  readonly verdict: Identity | Denial;
  /** A wrong guess that came with what is right. */
  readonly beside?: Failure | undefined;
  /** Why no verdict counts but that it is somebody, by what nobody guesses. */
  readonly limit?: GatewayError | undefined;
}

/**
 * Throws RequestError 401 for who is nobody, BusyError for whom it cannot be said, and what the limit of attempts says.
 */
export function authentication(options: AuthenticationOptions): HttpPolicy {
  const { authenticators, optional, tickets, attempts } = options;
  const counting = countingIn(options);
  const unguessable = authenticators.filter((kind) => kind.unguessable);
  const limitOf = ({ address }: Caller) => attempts?.refusal(address);
  return (request, caller, next) => {
    // What anybody may ask for is no attempt.
    if (caller.openness) return next(request, caller);
    const credentials = new Credentials(request, caller, counting);
    const ticket = ticketIn(request);
    if (ticket !== undefined) {
      const verdict = tickets.redeem(ticket, request.method);
      admit(options, credentials, { kind: "ticket", verdict, limit: limitOf(caller) });
      return next(request, caller);
    }
    if (!credentials.any) {
      if (!optional) throw absent(options, credentials);
      caller.grant(options.anonymousScopes);
      return next(request, caller);
    }
    // Whoever has to wait could go on guessing if each guess were judged.
    const limit = limitOf(caller);
    const judged = judge(limit ? unguessable : authenticators, credentials);
    if (isPending(judged)) {
      return judged.then((judged) => {
        // Guesses of the same moment may have failed meanwhile.
        admit(options, credentials, { ...judged, limit: limit ?? limitOf(caller) });
        return next(request, caller);
      });
    }
    admit(options, credentials, limit ? { ...judged, limit } : judged);
    return next(request, caller);
  };
}

function countingIn(options: AuthenticationOptions): CredentialsOptions {
  const { authenticators, apiKeyInQuery, publicUrl, resources } = options;
  const signed = authenticators.some(({ kind }) => kind === "keypair");
  return { apiKeyInQuery, signedUrl: signed ? publicUrl : undefined, resources };
}

function admit(
  options: AuthenticationOptions,
  credentials: Credentials,
  { kind, verdict, beside, limit }: Judged,
): void {
  const { emit } = options;
  const { caller } = credentials;
  const { address } = caller;
  const { credential } = verdict;
  if (limit && (isDenial(verdict) || !isUnguessable(options, kind))) {
    tellLimited(options, caller, { kind, verdict });
    throw limit;
  }
  if (isDenial(verdict)) throw refused(options, credentials, { kind, denial: verdict });
  // Who has a key of its own is not to guess the passwords of others beside it for as long as it likes.
  if (beside) tellFailure(options, caller, beside);
  caller.identify(verdict.principal, verdict.scopes, { kind, credential });
  const { body } = verdict;
  if (body) {
    const denial = altered(credential);
    caller.expectBody(checkOf(body, () => refused(options, credentials, { kind, denial })));
  }
  const { principal: { name: principal } } = verdict;
  emit({ type: "auth.accepted", kind, credential, address, principal });
}

function tellFailure(
  { emit, attempts }: AuthenticationOptions,
  { address }: Caller,
  { kind, denial: { why: reason, credential, busy = false } }: Failure,
): void {
  emit({ type: "auth.refused", kind, credential, address, reason });
  if (!busy) attempts?.failed(address);
}

/** Tells of it, and comes to what the caller is told. */
function refused(
  options: AuthenticationOptions,
  credentials: Credentials,
  failure: Failure,
): GatewayError {
  tellFailure(options, credentials.caller, failure);
  if (failure.denial.busy) return new BusyError(UNJUDGED, { logged: loggedAs(failure) });
  return refusal(options, credentials, failure);
}

/** It comes behind the headers, by which its sender was let in. */
function checkOf(body: DigestCheck, refusal: () => GatewayError): BodyCheck {
  return {
    update: (bytes) => body.update(bytes),
    end() {
      if (!body.fits()) throw refusal();
    },
  };
}

function altered(credential: string | undefined): Denial {
  return { why: "that of another body", ...credential !== undefined && { credential } };
}

function isUnguessable({ authenticators }: AuthenticationOptions, kind: Judged["kind"]): boolean {
  return kind === "ticket" || authenticators.some((one) => one.kind === kind && one.unguessable);
}

/** What somebody had once is named, as a key that was stolen; what nobody ever had is one guess of many. */
function tellLimited(
  { emit }: AuthenticationOptions,
  { address }: Caller,
  { kind, verdict }: Pick<Judged, "kind" | "verdict">,
): void {
  if (isDenial(verdict) && (verdict.why === "revoked" || verdict.why === "expired")) {
    const { why: reason, credential } = verdict;
    return emit({ type: "auth.refused", kind, credential, address, reason, countable: true });
  }
  emit({ ...REFUSED_UNJUDGED, address, reason: "one of too many" });
}

/** The first identity that there is; else the first reason why there is none. */
function judge(kinds: readonly Authenticator[], credentials: Credentials): Judged | Promise<Judged> {
  if (credentials.tooLarge) return { kind: undefined, verdict: { why: "too large" } };
  let denied: Judged | undefined;
  let guessed: Failure | undefined;
  for (const [index, { kind, identify, unguessable }] of kinds.entries()) {
    const verdict = identify(credentials);
    if (isPending(verdict)) return judgeLater(kinds.slice(index), { credentials, verdict, denied, guessed });
    if (verdict && !isDenial(verdict)) return { kind, verdict, beside: guessed };
    if (!verdict) continue;
    denied ??= { kind, verdict };
    if (isGuess(verdict, unguessable)) guessed ??= { kind, denial: verdict };
  }
  const why = credentials.partTooLarge ? "too large" : "unknown";
  return denied ?? { kind: undefined, verdict: { why } };
}

interface Pending {
  readonly credentials: Credentials;
  /** Of the first kind. */
  readonly verdict: Promise<Identity | Denial | undefined>;
  readonly denied: Judged | undefined;
  readonly guessed: Failure | undefined;
}

/** What has no form that could be right tells nothing to who has sent it. */
function isGuess({ why, busy = false }: Denial, unguessable = false): boolean {
  return !unguessable && !busy && why !== "malformed";
}

async function judgeLater(
  [first, ...others]: readonly Authenticator[],
  pending: Pending,
): Promise<Judged> {
  const kind = first?.kind;
  const verdict = await pending.verdict;
  if (verdict && !isDenial(verdict)) return { kind, verdict, beside: pending.guessed };
  const own = verdict && { kind, verdict };
  const rest = await judge(others, pending.credentials);
  if (isDenial(rest.verdict)) return pending.denied ?? own ?? rest;
  const guessed = verdict && isGuess(verdict, first?.unguessable) ? { kind, denial: verdict } : undefined;
  return { ...rest, beside: pending.guessed ?? guessed ?? rest.beside };
}

function absent(options: AuthenticationOptions, credentials: Credentials): GatewayError {
  const { address } = credentials.caller;
  options.emit({ ...REFUSED_UNJUDGED, address, reason: "absent" });
  return refusal(options, credentials);
}

interface Failure {
  readonly kind: Judged["kind"];
  readonly denial: Denial;
}

/** Says which kinds there are, by headers for programs and in the body for those that read no headers. */
function refusal(
  { authenticators, optional, strangerRefusal }: AuthenticationOptions,
  { demand, caller }: Credentials,
  failure?: Failure,
): GatewayError {
  const tooMany = strangerRefusal?.(caller);
  if (tooMany) return tooMany;
  const kinds = authenticators.map(({ kind }) => kind);
  const challenges = authenticators.map((kind) => kind.challenge(failure?.denial, demand));
  const what = failure ? "the credentials do not count" : "credentials are needed";
  const are = kinds.length === 1 ? "is" : "are";
  return new RequestError(`Unauthorized: ${what}; accepted ${are} ${kinds.join(", ")}`, {
    status: 401,
    headers: { "WWW-Authenticate": joinedChallenges(challenges) },
    data: { auth: { kinds, required: !optional } },
    ...failure && { logged: `Unauthorized: ${loggedAs(failure)}` },
  });
}

function loggedAs({ kind, denial: { why, credential } }: Failure): string {
  if (kind === undefined && why === "unknown") return "the credentials are those of nobody";
  return [kind ?? "what was sent", credential, `is ${why}`].filter((part) => part !== undefined).join(" ");
}
