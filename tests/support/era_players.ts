/** Who plays a script: what the clients and servers of both eras have in common. */
import assert from "node:assert/strict";
import type { Channel, Envelope } from "../../src/core/channel.ts";
import { textOf } from "../../src/core/channel.ts";
import { DisconnectedError } from "../../src/core/errors.ts";
import type { JsonRpcMessage } from "../../src/core/message/jsonrpc.ts";
import { spelledAt } from "../../src/core/message/members.ts";
import { parseMessage } from "../../src/core/message/parse.ts";
import type { Path } from "../../src/core/message/path.ts";
import {
  assertSame,
  CALL,
  member,
  object,
  type Outcome,
  type Script,
  type Scripts,
  type Step,
} from "./era_script.ts";

export const KEY = "io.modelcontextprotocol/";
/** No numbers here: who the ends are is told anew with each request, and not as it was spelled. */
export const CLIENT_INFO = '{"name":"k\\u00e4fer","version":"1","x":"y"}';
export const SERVER_INFO = '{"name":"s\\u00e4ge","version":"2","x":"y"}';
/** What each client can be asked, in both eras. */
export const CAPABILITIES = '{"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}}';

/** What all who play know. */
export interface World {
  /** How to get the same course again. */
  readonly where: string;
  readonly names: Scripts;
  readonly scripts: Map<number, Script>;
  fail(error: unknown): void;
}

/** A message as it came. */
export class Said {
  readonly message: JsonRpcMessage;
  readonly text: string;
  readonly where: string;

  constructor(envelope: Envelope, who: string, world: World) {
    this.message = envelope.message;
    this.text = textOf(envelope);
    this.where = `${world.where}: ${who} heard ${this.text}`;
    // Who reads the text and who reads the message are told the same, but for what a number rounds.
    assert.deepEqual(plain(parseMessage(this.text)), plain(envelope.message), this.where);
  }

  get method(): string | undefined {
    return "method" in this.message ? this.message.method : undefined;
  }

  /** JSON of what stands there. */
  at(...path: Path): string | undefined {
    return spelledAt(this.text, path);
  }

  assertAt(path: Path, wanted: string): void {
    assertSame(this.at(...path), wanted, this.where);
  }

  /** The script that it belongs to, by the name of its call there. */
  scriptIn(world: World, ...path: Path): Script {
    const script = world.scripts.get(Number(this.at(...path, CALL)));
    assert(script, this.where);
    return script;
  }
}

function plain(message: JsonRpcMessage): unknown {
  return JSON.parse(JSON.stringify(message));
}

/** An end of a channel, at which whatever is wrong fails the test. */
export abstract class Player {
  readonly world: World;
  readonly #channel: Channel;
  readonly #who: string;
  /** Settles when the other side has ended the conversation. */
  readonly over: Promise<void>;
  isOver = false;

  constructor(channel: Channel, who: string, world: World) {
    this.world = world;
    this.#channel = channel;
    this.#who = who;
    const over = Promise.withResolvers<void>();
    this.over = over.promise.then(() => void (this.isOver = true));
    channel.incoming.read(
      (envelope) => this.#guard(() => this.hear(new Said(envelope, who, world))),
      (failure) =>
        failure && !(failure.error instanceof DisconnectedError) ? world.fail(failure.error) : over.resolve(),
    );
  }

  protected abstract hear(said: Said): Promise<void> | void;

  protected say(text: string): void {
    void this.#channel.send({ message: parseMessage(text), text });
  }

  protected unexpected({ where }: Said): never {
    throw new Error(`${this.#who} did not expect that: ${where}`);
  }

  #guard(hear: () => Promise<void> | void): void {
    void Promise.try(hear).catch((error) => this.world.fail(error));
  }
}

interface ServerOptions {
  readonly logs: boolean;
  /** Whether it is one for all calls: each of the others is for one call, and is over with it. */
  readonly shared?: boolean;
}

/** A server, which plays a script for each call. */
export abstract class PlayedServer extends Player {
  protected readonly logs: boolean;
  protected readonly shared: boolean;
  readonly #played: Promise<void>[] = [];
  /** What hears that a call is taken back, by its id. */
  readonly #taking = new Map<string, () => void>();

  constructor(channel: Channel, world: World, { logs, shared = false }: ServerOptions) {
    super(channel, "the server", world);
    this.logs = logs;
    this.shared = shared;
  }

  /** Settles when all calls that it has heard of have come to their end. */
  get finished(): Promise<unknown> {
    return Promise.all(this.#played);
  }

  protected plays(played: Promise<void>): Promise<void> {
    this.#played.push(played);
    return played;
  }

  /** Settles when the call that was asked for there is taken back. */
  protected async isTakenBack(asked: Said): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#taking.set(asked.at("id") ?? "", resolve);
    await promise;
    if (!this.shared) await this.over;
  }

  /** No call but one whose client is to take it back. */
  protected takenBack(said: Said): void {
    const id = said.at("params", "requestId") ?? "";
    const taken = this.#taking.get(id);
    if (!taken) return this.unexpected(said);
    this.#taking.delete(id);
    taken();
  }
}

/** What a client has yet to hear of a call. */
export class Course {
  readonly script: Script;
  readonly steps: Step[];
  /** Numbers of the questions of the step that is at hand. */
  readonly asked = new Set<number>();
  /** What it is called now, and what its progress. */
  id: string;
  token: string | undefined;

  constructor(script: Script, logs: boolean) {
    this.script = script;
    this.id = script.id;
    this.token = script.token;
    this.steps = script.steps.filter(({ kind }) => logs || kind !== "log");
  }

  /** The next step, which must be of this kind. */
  next<K extends Step["kind"]>(kind: K, { where }: Said): Extract<Step, { kind: K }> {
    const [step] = this.steps;
    assert(step?.kind === kind, `${where}: it was to hear ${JSON.stringify(step ?? this.script.outcome)}`);
    return step as Extract<Step, { kind: K }>;
  }

  /** The outcome, after which nothing comes. */
  end({ where }: Said): Outcome {
    assert.deepEqual(this.steps, [], where);
    return this.script.outcome;
  }

  /** Whether its client is to take it back now. */
  get isTakenBack(): boolean {
    return this.steps.length === 0 && this.script.outcome.kind === "cancel";
  }
}

/** The call whose next step this progress is, as its script has it; undefined where its token is nobody's. */
export function progressed(open: Iterable<Course>, said: Said): Course | undefined {
  const token = said.at("params", "progressToken") ?? "";
  const course = [...open].find((course) => course.token === token);
  if (!course) return undefined;
  const { members } = course.next("progress", said);
  said.assertAt(["params"], object([member("progressToken", token), ...members]));
  return course;
}

/** The question of a step that the params of a message are; each may be asked once. */
export function questionIn(course: Course, said: Said, ...params: Path) {
  const { questions } = course.next("ask", said);
  const at = Number(said.at(...params, "question"));
  const question = questions[at];
  assert(question && !course.asked.has(at), said.where);
  said.assertAt(params, question.params);
  course.asked.add(at);
  if (course.asked.size === questions.length) {
    course.asked.clear();
    course.steps.shift();
  }
  return question;
}
