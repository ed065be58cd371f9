/** A client and a server of 2026-07-28 who play scripts. */
import assert from "node:assert/strict";
import type { Channel } from "../../src/core/channel.ts";
import {
  CAPABILITIES,
  CLIENT_INFO,
  Course,
  KEY,
  PlayedServer,
  Player,
  progressed,
  questionIn,
  type Said,
  SERVER_INFO,
  type World,
} from "./era_players.ts";
import { assertSame, heardCode, member, object, type Question, type Script } from "./era_script.ts";

const SERVER = member(`${KEY}serverInfo`, SERVER_INFO);
const CACHEABLE =
  /^(tools|prompts|resources|resources\/templates)\/list$|^resources\/read$|^server\/discover$/;
const DISCOVERED = [
  '"supportedVersions":["2026-07-28"]',
  '"capabilities":{"tools":{},"logging":{},"com.example/x":"y","experimental":{"x":{"y":[]}}}',
  '"instructions":"Lies\\u0021"',
];
/** What comes back with the answers to questions. */
const STATES = ['"1"', '"\\u00fc\\/"', '"{\\"a\\":1.0}"', '"\\ud83d\\ude00"'];

/** What each request says of itself. */
function requestMeta(logs: boolean): string[] {
  return [
    member(`${KEY}protocolVersion`, '"2026-07-28"'),
    member(`${KEY}clientInfo`, CLIENT_INFO),
    member(`${KEY}clientCapabilities`, CAPABILITIES),
    ...logs ? [member(`${KEY}logLevel`, '"debug"')] : [],
  ];
}

function hints(method: string, ttlMs: number, cacheScope: string): string[] {
  return CACHEABLE.test(method) ? [`"ttlMs":${ttlMs}`, `"cacheScope":"${cacheScope}"`] : [];
}

export class ModernServer extends PlayedServer {
  readonly #requests = new Map<number, (said: Said) => void>();

  protected hear(said: Said): Promise<void> | void {
    if (said.method === "notifications/cancelled") return this.takenBack(said);
    if (said.method === "server/discover") return this.#discovered(said);
    const script = said.scriptIn(this.world, "params");
    this.#assertAsked(script, said);
    const repeated = this.#requests.get(script.call);
    if (repeated) return repeated(said);
    assert.equal(said.at("params", "inputResponses"), undefined, said.where);
    return this.plays(this.#play(script, said));
  }

  /** Nothing is logged for a question that nobody has asked. */
  #discovered(said: Said): void {
    said.assertAt(["params"], object([member("_meta", object(requestMeta(false)))]));
    this.#answer(
      said,
      object([
        '"resultType":"complete"',
        ...DISCOVERED,
        ...hints("server/discover", 5, "public"),
        member("_meta", object([SERVER])),
      ]),
    );
  }

  #assertAsked({ method, params, meta, token }: Script, said: Said): void {
    assert.equal(said.method, method, said.where);
    const found = said.at("params", "_meta", "progressToken");
    assert.equal(found !== undefined, token !== undefined, said.where);
    const all = [
      ...meta,
      ...found === undefined ? [] : [member("progressToken", found)],
      ...requestMeta(this.logs),
    ];
    const inputs = ["inputResponses", "requestState"].flatMap((key) => {
      const value = said.at("params", key);
      return value === undefined ? [] : [member(key, value)];
    });
    said.assertAt(["params"], object([...params, ...inputs, member("_meta", object(all))]));
  }

  async #play({ call, method, steps, outcome }: Script, asked: Said): Promise<void> {
    let said = asked;
    for (const step of steps) {
      if (step.kind === "log" && this.logs) this.#tell("message", step.params);
      const token = said.at("params", "_meta", "progressToken");
      if (step.kind === "progress" && token !== undefined) {
        this.#tell("progress", object([member("progressToken", token), ...step.members]));
      }
      if (step.kind === "ask") said = await this.#ask(call, step.questions, said);
    }
    if (outcome.kind === "cancel") return await this.isTakenBack(said);
    if (outcome.kind === "error") {
      const error = object([member("code", outcome.code), ...outcome.members]);
      return this.say(`{"jsonrpc":"2.0","id":${said.at("id")},"error":${error}}`);
    }
    const meta = member("_meta", object([...outcome.meta, SERVER]));
    this.#answer(
      said,
      object(['"resultType":"complete"', ...outcome.members, ...hints(method, 7, "public"), meta]),
    );
  }

  /** Answers with questions; settles with the request that brings what became of them. */
  async #ask(call: number, questions: readonly Question[], said: Said): Promise<Said> {
    const asked = questions.map(({ method, params }, at) =>
      member(`q\u00fc${at}`, object([`"method":"${method}"`, member("params", params)]))
    );
    const state = STATES[call % (STATES.length + 1)];
    const members = [
      member("inputRequests", object(asked)),
      ...state === undefined ? [] : [member("requestState", state)],
    ];
    const again = Promise.withResolvers<Said>();
    this.#requests.set(call, again.resolve);
    this.#answer(said, object(['"resultType":"input_required"', ...members]));
    const repeated = await again.promise;
    this.#requests.delete(call);
    const answers = questions.map(({ answer }, at) => member(`q\u00fc${at}`, answer));
    repeated.assertAt(["params", "inputResponses"], object(answers));
    assert.equal(repeated.at("params", "requestState") === undefined, state === undefined, repeated.where);
    if (state !== undefined) assertSame(repeated.at("params", "requestState"), state, repeated.where);
    return repeated;
  }

  #tell(kind: string, params: string): void {
    this.say(`{"jsonrpc":"2.0","method":"notifications/${kind}","params":${params}}`);
  }

  #answer(said: Said, result: string): void {
    this.say(`{"jsonrpc":"2.0","id":${said.at("id")},"result":${result}}`);
  }
}

export class ModernClient extends Player {
  readonly #logs: boolean;
  readonly #open = new Map<string, Course>();
  #left = 0;
  #idle = Promise.withResolvers<void>();
  #discovered = Promise.withResolvers<Said>();

  constructor(channel: Channel, world: World, { logs }: { readonly logs: boolean }) {
    super(channel, "the client", world);
    this.#logs = logs;
  }

  async introduce(): Promise<void> {
    const params = object([member("_meta", object(requestMeta(this.#logs)))]);
    this.say(`{"jsonrpc":"2.0","id":"d","method":"server/discover","params":${params}}`);
    (await this.#discovered.promise).assertAt(
      ["result"],
      object([
        ...['"resultType":"complete"', ...DISCOVERED, ...hints("server/discover", 0, "private")],
        member("_meta", object([SERVER])),
      ]),
    );
  }

  /** Settles when all of them have come to their end. */
  async play(scripts: readonly Script[]): Promise<void> {
    this.#idle = Promise.withResolvers();
    this.#left = scripts.length;
    for (const script of scripts) this.#ask(new Course(script, this.#logs));
    await this.#idle.promise;
  }

  #ask(course: Course, inputs: readonly string[] = []): void {
    const { id, token, script: { method, params, meta } } = course;
    this.#open.set(id, course);
    const named = token === undefined ? meta : [member("progressToken", token), ...meta];
    const all = object([...named, ...requestMeta(this.#logs)]);
    this.say(
      `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${
        object([member("_meta", all), ...params, ...inputs])
      }}`,
    );
    this.#goOn(course);
  }

  protected hear(said: Said): void {
    if (said.method === undefined) return this.#answered(said);
    assert.equal(said.at("id"), undefined, said.where);
    if (said.method === "notifications/progress") return this.#progressed(said);
    if (said.method !== "notifications/message") return this.unexpected(said);
    const { call } = said.scriptIn(this.world, "params", "data");
    const course = [...this.#open.values()].find(({ script }) => script.call === call);
    if (!course) return this.unexpected(said);
    said.assertAt(["params"], course.next("log", said).params);
    this.#pass(course);
  }

  #progressed(said: Said): void {
    const course = progressed(this.#open.values(), said);
    if (!course) return this.unexpected(said);
    this.#pass(course);
  }

  #answered(said: Said): void {
    if (said.at("id") === '"d"') return this.#discovered.resolve(said);
    const course = this.#open.get(said.at("id") ?? "");
    if (!course) return this.unexpected(said);
    this.#open.delete(course.id);
    if (said.at("result", "resultType") === '"input_required"') return this.#askedBack(course, said);
    const outcome = course.end(said);
    if (outcome.kind === "cancel") return this.unexpected(said);
    if (outcome.kind === "error") {
      said.assertAt(["error"], object([member("code", heardCode(outcome.code)), ...outcome.members]));
    } else {
      const meta = member("_meta", object([...outcome.meta, SERVER]));
      const own = hints(course.script.method, 0, "private");
      said.assertAt(["result"], object(['"resultType":"complete"', ...outcome.members, ...own, meta]));
    }
    this.#close();
  }

  /** Comes back under other names, as who speaks this revision has to. */
  #askedBack(course: Course, said: Said): void {
    const { result } = said.message as { result?: { inputRequests?: Record<string, { method: string }> } };
    const answers = Object.entries(result?.inputRequests ?? {}).map(([key, { method }]) => {
      const question = questionIn(course, said, "result", "inputRequests", key, "params");
      assert.equal(method, question.method, said.where);
      return member(key, question.answer);
    });
    const state = said.at("result", "requestState");
    assert(answers.length > 0 && state !== undefined, said.where);
    course.id = this.world.names.name();
    if (course.token !== undefined) course.token = this.world.names.name();
    this.#ask(course, [member("inputResponses", object(answers)), member("requestState", state)]);
  }

  #pass(course: Course): void {
    course.steps.shift();
    this.#goOn(course);
  }

  #goOn(course: Course): void {
    if (!course.isTakenBack) return;
    const params = object([member("requestId", course.id), '"reason":"ach"']);
    this.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`);
    this.#open.delete(course.id);
    this.#close();
  }

  #close(): void {
    if (--this.#left === 0) this.#idle.resolve();
  }
}
