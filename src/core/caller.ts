/** Who sent a request: the connection that it came on, and what is known of the one behind it. */
import type { LaunchSettings, Principal } from "./backend.ts";
import type { GatewayError } from "./errors.ts";

/** A connection, as those see it who answer what comes on it. */
export interface CallerConnection {
  /** IP address of the far end; undefined where it is not known. */
  readonly address: string | undefined;
  /** Ends the connection at once, with all that waits in it: for a far end that holds up what others wait for. */
  drop(reason: string): void;
  /**
   * Whether it may be given an answer of so many bytes as a whole, which is faster than in pieces, but then nobody can
   * tell how much of it is still to be sent. It counts until the next request or the end of the connection.
   */
  takesWhole?(bytes: number): boolean;
}

/** What the body of a request has to be. */
export interface BodyCheck {
  /** Takes the next piece, as it came over the wire. */
  update(bytes: Uint8Array): void;
  /** Once all of it has come, and before anything is done with it. Throws GatewayError for another one. */
  end(): void;
}

/** How much somebody may still ask for. */
export interface Allowance {
  /** Takes so much of it; where there is not so much, nothing is taken, and this is why. */
  refusal(count: number): GatewayError | undefined;
}

/** By what somebody has proved who it is: both are names, and no secrets. */
interface UsedProof {
  readonly kind: string | undefined;
  readonly credential: string | undefined;
}

/** To whom something is open that wants no proof of who asks. */
export type Openness = "anybody" | "probes";

const NO_SCOPES: readonly string[] = [];

/** What is answered to somebody in particular belongs to that one: no cache keeps it, and no browser guesses at it. */
export const PRIVATE_FIELDS = [["Cache-Control", "no-store"], ["X-Content-Type-Options", "nosniff"]] as const;

let requests = 0;
/** Tells the requests of this process from those of another one; made with the first id that somebody asks for. */
let prefix: string | undefined;

/** Made once for each request. */
export class Caller {
  readonly #connection: CallerConnection;
  readonly #number = ++requests;
  #principal: Principal | undefined;
  #scopes = NO_SCOPES;
  #credential: string | undefined;
  #authKind: string | undefined;
  #launch: LaunchSettings | undefined;
  #bodyCheck: BodyCheck | undefined;
  /** Whether its answer says so already. */
  #answersPrivately = false;
  /** How many policies have handed the request on. */
  #passed = 0;
  #route: string | undefined;
  #openness: Openness | undefined;
  #address: string | undefined;
  #allowance: Allowance | undefined;

  constructor(connection: CallerConnection) {
    this.#connection = connection;
  }

  /** Names the request in logs. The text is made when it is asked for, since most requests are never named. */
  get requestId(): string {
    prefix ??= crypto.randomUUID().slice(0, 8);
    return `${prefix}-${this.#number}`;
  }

  /**
   * IP address of the one who asks: the far end of the connection, or whom a trusted proxy there names. Undefined where it
   * is not known.
   */
  get address(): string | undefined {
    return this.#address ?? this.#connection.address;
  }

  /** IP address of the far end of the connection, whatever is told there; undefined where it is not known. */
  get farEnd(): string | undefined {
    return this.#connection.address;
  }

  /** For the policy that knows whom to believe: the far end speaks for somebody else. */
  comesFrom(address: string): void {
    this.#address = address;
  }

  /** How much the caller may still ask for; undefined where that is not limited. */
  get allowance(): Allowance | undefined {
    return this.#allowance;
  }

  /** For the policy that limits how much is asked for. */
  limitTo(allowance: Allowance): void {
    this.#allowance = allowance;
  }

  /** Who the caller proved to be; undefined for nobody in particular. */
  get principal(): Principal | undefined {
    return this.#principal;
  }

  /** Names what that was proved by, and is no secret. */
  get credential(): string | undefined {
    return this.#credential;
  }

  /** By which kind of proof; undefined where nothing was proved. */
  get authKind(): string | undefined {
    return this.#authKind;
  }

  /** What the caller was granted. */
  get scopes(): readonly string[] {
    return this.#scopes;
  }

  /** What the caller has brought for its server; undefined where that is as it is for all. */
  get launch(): LaunchSettings | undefined {
    return this.#launch;
  }

  /** For who reads from the request what is meant for the server behind. */
  bring(launch: LaunchSettings | undefined): void {
    this.#launch = launch;
  }

  /** For the policy that authenticates. Throws TypeError for who is known already. */
  identify(principal: Principal, scopes: readonly string[] = NO_SCOPES, proof?: UsedProof): void {
    if (this.#principal) throw new TypeError("The caller is identified already");
    this.#principal = principal;
    this.#scopes = scopes;
    this.#authKind = proof?.kind;
    this.#credential = proof?.credential;
  }

  /** Who is to ask before the body counts; undefined where any will do. */
  get bodyCheck(): BodyCheck | undefined {
    return this.#bodyCheck;
  }

  /** For the policy that authenticates: what it has judged says what the body is. */
  expectBody(check: BodyCheck): void {
    this.#bodyCheck = check;
  }

  /** Whether the answer says already whose it is. */
  get answersPrivately(): boolean {
    return this.#answersPrivately;
  }

  /**
   * For who makes an answer, at once: says in it whose it is, where that is somebody in particular. The runtime has a fast way
   * to make one with a Content-Type alone, and fields that come behind cost half of what they would cost with it.
   */
  answerPrivately(answer: Response): Response {
    if (!this.#principal) return answer;
    this.#answersPrivately = true;
    const { headers } = answer;
    for (const [name, value] of PRIVATE_FIELDS) headers.append(name, value);
    return answer;
  }

  /** For the policy that lets somebody in who is nobody in particular. */
  grant(scopes: readonly string[]): void {
    this.#scopes = scopes;
  }

  /** For the chain of policies: the policy of this number, counted from 1, hands the request on. False the second time. */
  pass(policy: number): boolean {
    if (this.#passed >= policy) return false;
    this.#passed = policy;
    return true;
  }

  /** Its path is one below this route; the last part of it may be a secret, and is called so in logs. */
  foundBelow(path: string, part: string): void {
    this.#route = `${path}/${part}`;
  }

  /** What its path is called in logs; undefined where it is no secret. */
  get route(): string | undefined {
    return this.#route;
  }

  /** For who finds out what answers the request, before any policy: who may ask for that. */
  foundOpen(openness: Openness | undefined): void {
    this.#openness = openness;
  }

  /** Whether anybody may ask for this; a probe asks again and again, and is not counted. */
  get openness(): Openness | undefined {
    return this.#openness;
  }

  /** As that of its connection. */
  drop(reason: string): void {
    this.#connection.drop(reason);
  }

  /** As that of its connection; false where that cannot tell. */
  takesWhole(bytes: number): boolean {
    return this.#connection.takesWhole?.(bytes) ?? false;
  }
}

/** Whether an IP address is this machine's own (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3). */
export function isLoopbackAddress(address: string): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(address);
}
