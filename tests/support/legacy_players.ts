/** A client and a server of 2025-11-25 who play scripts. */
import assert from "node:assert/strict";
import type { Channel } from "../../src/core/channel.ts";
import {
  CAPABILITIES,
  CLIENT_INFO,
  Course,
  PlayedServer,
  Player,
  progressed,
  questionIn,
  type Said,
  SERVER_INFO,
  type World,
} from "./era_players.ts";
import { assertSame, heardCode, member, object, type Script } from "./era_script.ts";

const INITIALIZED = [
  '"protocolVersion":"2025-11-25"',
  member("serverInfo", SERVER_INFO),
  '"capabilities":{"tools":{},"logging":{},"com.example/x":"y","experimental":{"x":{"y":[]}}}',
  '"instructions":"Lies\\u0021"',
];

export class LegacyServer extends PlayedServer {
  readonly #waiting = new Map<string, (said: Said) => void>();
  #level: string | undefined;

  protected hear(said: Said): Promise<void> | void {
    switch (said.method) {
      case "initialize":
        if (!this.shared) said.assertAt(["params", "clientInfo"], CLIENT_INFO);
        said.assertAt(["params", "capabilities"], CAPABILITIES);
        return this.#answer(said.at("id"), object(INITIALIZED));
      case "notifications/initialized":
        return;
      case "notifications/cancelled":
        return this.takenBack(said);
      case "ping":
        return this.#answer(said.at("id"), "{}");
      case "logging/setLevel":
        this.#level = said.at("params", "level");
        return this.#answer(said.at("id"), "{}");
      case undefined: {
        const answered = this.#waiting.get(said.at("id") ?? "");
        if (!answered) return this.unexpected(said);
        this.#waiting.delete(said.at("id") ?? "");
        return answered(said);
      }
      default:
        return this.#asked(said);
    }
  }

  #asked(said: Said): Promise<void> | void {
    // Whoever only wants to know who it is asks no more.
    const script = said.scriptIn(this.world, "params");
    const { method, params, meta } = script;
    assert.equal(said.method, method, said.where);
    const token = said.at("params", "_meta", "progressToken");
    assert.equal(token !== undefined, script.token !== undefined, said.where);
    const named = token === undefined ? [] : [member("progressToken", token)];
    said.assertAt(["params"], object([...params, member("_meta", object([...meta, ...named]))]));
    assert.equal(this.#level, this.logs ? '"debug"' : undefined, said.where);
    return this.plays(this.#play(script, said, token));
  }

  async #play({ steps, outcome }: Script, asked: Said, token: string | undefined): Promise<void> {
    const id = asked.at("id");
    for (const step of steps) {
      if (step.kind === "log" && this.logs) this.#tell("message", step.params);
      if (step.kind === "progress" && token !== undefined) {
        this.#tell("progress", object([member("progressToken", token), ...step.members]));
      }
      if (step.kind === "ask") {
        await Promise.all(step.questions.map(async ({ method, params, answer }) => {
          assertSame((await this.#ask(method, params)).at("result"), answer, this.world.where);
        }));
      }
    }
    if (outcome.kind === "cancel") return await this.isTakenBack(asked);
    if (outcome.kind === "result") {
      return this.#answer(id, object([...outcome.members, member("_meta", object(outcome.meta))]));
    }
    const error = object([member("code", outcome.code), ...outcome.members]);
    this.say(`{"jsonrpc":"2.0","id":${id},"error":${error}}`);
  }

  #ask(method: string, params: string): Promise<Said> {
    const id = this.world.names.name();
    const answered = Promise.withResolvers<Said>();
    this.#waiting.set(id, answered.resolve);
    this.say(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`);
    return answered.promise;
  }

  #tell(kind: string, params: string): void {
    this.say(`{"jsonrpc":"2.0","method":"notifications/${kind}","params":${params}}`);
  }

  #answer(id: string | undefined, result: string): void {
    this.say(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
  }
}

export class LegacyClient extends Player {
  readonly #logs: boolean;
  readonly #open = new Map<string, Course>();
  readonly #own = new Map<string, (said: Said) => void>();
  #left = 0;
  /** Settles when nothing is left. */
  #idle = Promise.withResolvers<void>();

  constructor(channel: Channel, world: World, { logs }: { readonly logs: boolean }) {
    super(channel, "the client", world);
    this.#logs = logs;
  }

  /** What has not come to its end. */
  get open(): string {
    return [...this.#open.values()].map((course) => JSON.stringify(course)).join("\n");
  }

  async introduce(): Promise<void> {
    const declared = CAPABILITIES.replace('"roots":{}', '"roots":{"listChanged":true}');
    const said = await this.#ask(
      "initialize",
      object([
        '"protocolVersion":"2025-11-25"',
        member("clientInfo", CLIENT_INFO),
        member("capabilities", declared),
      ]),
    );
    said.assertAt(["result"], object(INITIALIZED));
    this.say('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    if (this.#logs) await this.#ask("logging/setLevel", '{"level":"debug"}');
  }

  /** Settles when all of them have come to their end. */
  async play(scripts: readonly Script[]): Promise<void> {
    this.#idle = Promise.withResolvers();
    this.#left = scripts.length;
    for (const script of scripts) this.#begin(script);
    await this.#idle.promise;
  }

  #begin(script: Script): void {
    const { id, method, params, meta, token } = script;
    const course = new Course(script, this.#logs);
    this.#open.set(id, course);
    const named = token === undefined ? meta : [member("progressToken", token), ...meta];
    const said = object([...params, member("_meta", object(named))]);
    this.say(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${said}}`);
    this.#goOn(course);
  }

  protected hear(said: Said): Promise<void> | void {
    if (said.method === undefined) return this.#answered(said);
    if (said.at("id") !== undefined) return this.#asked(said);
    if (said.method === "notifications/progress") return this.#progressed(said);
    if (said.method !== "notifications/message") return this.unexpected(said);
    const course = this.#courseOf(said.scriptIn(this.world, "params", "data"), said);
    said.assertAt(["params"], course.next("log", said).params);
    course.steps.shift();
    this.#goOn(course);
  }

  #answered(said: Said): void {
    const id = said.at("id") ?? "";
    const own = this.#own.get(id);
    if (own) return own(said);
    const course = this.#open.get(id);
    if (!course) return this.unexpected(said);
    const outcome = course.end(said);
    if (outcome.kind === "result") {
      said.assertAt(["result"], object([...outcome.members, member("_meta", object(outcome.meta))]));
    } else if (outcome.kind === "error") {
      said.assertAt(["error"], object([member("code", heardCode(outcome.code)), ...outcome.members]));
    } else return this.unexpected(said);
    this.#close(course);
  }

  #asked(said: Said): void {
    const course = this.#courseOf(said.scriptIn(this.world, "params"), said);
    const { method, answer } = questionIn(course, said, "params");
    assert.equal(said.method, method, said.where);
    this.say(`{"jsonrpc":"2.0","id":${said.at("id")},"result":${answer}}`);
    this.#goOn(course);
  }

  #progressed(said: Said): void {
    const course = progressed(this.#open.values(), said);
    if (!course) return this.unexpected(said);
    course.steps.shift();
    this.#goOn(course);
  }

  #courseOf({ id }: Script, { where }: Said): Course {
    const course = this.#open.get(id);
    assert(course, where);
    return course;
  }

  #goOn(course: Course): void {
    if (!course.isTakenBack) return;
    const params = object([member("requestId", course.id), '"reason":"ach"']);
    this.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`);
    this.#close(course);
  }

  #close({ id }: Course): void {
    this.#open.delete(id);
    if (--this.#left === 0) this.#idle.resolve();
  }

  #ask(method: string, params: string): Promise<Said> {
    const id = this.world.names.name();
    const answered = Promise.withResolvers<Said>();
    this.#own.set(id, answered.resolve);
    this.say(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`);
    return answered.promise;
  }
}
