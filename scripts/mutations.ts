/** Ways to break the routing of messages, one line each, and the tests of which one has to notice. */

export interface Mutation {
  /** What goes wrong then. */
  readonly harm: string;
  readonly file: string;
  /** Stands there exactly once. */
  readonly search: string;
  readonly replace: string;
  /** The quick ones first: the rest is spared once one has failed. */
  readonly tests: readonly string[];
}

const UP = "src/core/session/up.ts";
const DOWN = "src/core/session/down.ts";
const PASSAGE = "src/core/session/passage.ts";
const OPEN_TABLE = "src/core/session/open_table.ts";
const SESSION_TESTS = [
  "src/core/session/session_routing_test.ts",
  "src/core/session/session_test.ts",
  "src/core/session/session_end_test.ts",
];
const FORWARDED_REQUESTS = "src/adapters/sharing/forwarded_requests.ts";
const SHARED_REQUESTS = "src/adapters/sharing/shared_requests.ts";
const ASKED_REQUESTS = "src/adapters/sharing/asked_requests.ts";
const SHARING_TESTS = [
  "src/adapters/sharing/shared_server_routing_test.ts",
  "src/adapters/sharing/shared_server_test.ts",
  "src/adapters/sharing/asked_requests_test.ts",
];
const MODERN_REQUESTS = "src/adapters/era/modern/modern_requests.ts";
const FROM_CLIENTS = "src/adapters/era/modern/from_clients.ts";
const FROM_SERVER = "src/adapters/era/modern/from_server.ts";
const MODERN_TESTS = [
  "src/adapters/era/modern_server_test.ts",
  "src/adapters/era/modern_routing_test.ts",
  "src/adapters/era/modern_subscriptions_test.ts",
  "src/adapters/era/modern_lies_test.ts",
];
const SESSION_STREAMS = "src/frontends/streamable/session_streams.ts";
const STREAMABLE_TESTS = [
  "src/frontends/streamable/streamable_session_test.ts",
  "tests/e2e/streamable_test.ts",
];

export const MUTATIONS: readonly Mutation[] = [
  {
    harm: "an answer goes to whichever request is alone, and not to its own",
    file: DOWN,
    search: "envelope.relatesTo = request.id;",
    replace: "envelope.relatesTo = fromClient.sole()?.id;",
    tests: SESSION_TESTS,
  },
  {
    harm: "an answered request stays open, and may be answered twice",
    file: PASSAGE,
    search: "table.settle(message);",
    replace: "",
    tests: SESSION_TESTS,
  },
  {
    harm: "what a remote says on the stream of a call goes to whichever request is alone",
    file: DOWN,
    search: "relatesTo === undefined ? fromClient.sole() : fromClient.get(relatesTo);",
    replace: "fromClient.sole();",
    tests: SESSION_TESTS,
  },
  {
    harm: "progress goes to whichever request is alone, and not to the owner of its token",
    file: DOWN,
    search: "if (token !== undefined) return ownerOf(bridge, token)?.id;",
    replace: "if (token !== undefined) return bridge.fromClient.sole()?.id;",
    tests: SESSION_TESTS,
  },
  {
    harm: "a cancelled request stays open, and attracts what the server says by itself",
    file: UP,
    search: 'if (cancelled !== undefined) this.#bridge.fromClient.take(cancelled, "cancelled");',
    replace: "",
    tests: SESSION_TESTS,
  },
  {
    harm: "a client answers what no server has asked it",
    file: UP,
    search: "const asked = this.#bridge.fromServer.get(id) !== undefined;",
    replace: "const asked = true;",
    tests: SESSION_TESTS,
  },
  {
    harm: "of several open requests the oldest gets what belongs to none",
    file: "src/base/table.ts",
    search: "return this.#boxes.size === 1 ?",
    replace: "return this.#boxes.size > 0 ?",
    tests: ["src/base/table_test.ts", ...SESSION_TESTS],
  },
  {
    harm: "of two ids that are one as doubles the second is refused, or answered in place of the first",
    file: "src/core/message/parse.ts",
    search: "if (!hasRoundedName(value)) return;",
    replace: "return;",
    tests: ["src/core/message/parse_test.ts"],
  },
  {
    harm: "a second request under the id of an open one takes its place",
    file: OPEN_TABLE,
    search: "if (this.#byId.has(id)) return stillOpen(id);",
    replace: "",
    tests: ["src/core/session/open_table_test.ts", ...SESSION_TESTS],
  },
  {
    harm: "a client gets its answer under the id that the shared server knows",
    file: SHARED_REQUESTS,
    search: "request?.client.deliver(withAnswerId(envelope, message, request.id));",
    replace: "request?.client.deliver(envelope);",
    tests: SHARING_TESTS,
  },
  {
    harm: "progress comes under the token that the shared server knows",
    file: FORWARDED_REQUESTS,
    search: "report: withReportedToken(envelope, message, asker.token) };",
    replace: "report: envelope };",
    tests: SHARING_TESTS,
  },
  {
    harm: "the shared server gets the token as the client gave it, which may be that of another client",
    file: FORWARDED_REQUESTS,
    search: "token: token === undefined ? undefined : serverId }",
    replace: "token }",
    tests: SHARING_TESTS,
  },
  {
    harm: "a cancellation names the client's own id, which at the shared server is another client's request",
    file: SHARED_REQUESTS,
    search: "=> withCancelledId(said, serverId);",
    replace: "=> said;",
    tests: SHARING_TESTS,
  },
  {
    harm: "a cancelled request is still answered by the shared server",
    file: FORWARDED_REQUESTS,
    search: 'if (request && "serverId" in request) this.#sent.take(request.serverId);',
    replace: "",
    tests: SHARING_TESTS,
  },
  {
    harm: "any client of a shared server answers what another one was asked",
    file: ASKED_REQUESTS,
    search: "if (asked?.client !== client) {",
    replace: "if (!asked) {",
    tests: SHARING_TESTS,
  },
  {
    harm: "a shared server's question goes to one of the clients that may be meant",
    file: ASKED_REQUESTS,
    search: "if (other || askers.size > 1) return",
    replace: "if (!client) return",
    tests: SHARING_TESTS,
  },
  {
    harm: "what a remote says on the stream of a shared call goes to nobody, or to another client",
    file: FORWARDED_REQUESTS,
    search: 'return typeof sent === "object" ? sent : undefined;\n  }\n\n  isOpen',
    replace: "return undefined;\n  }\n\n  isOpen",
    tests: SHARING_TESTS,
  },
  {
    harm: "what belongs to nobody goes to the client that came last",
    file: "src/adapters/sharing/members.ts",
    search: "this.#onlyClient = ++this.#joined === 1 ? client : undefined;",
    replace: "this.#onlyClient = client;",
    tests: SHARING_TESTS,
  },
  {
    harm: "what a modern server tells of one stream comes under the id that another client's may have",
    file: FROM_SERVER,
    search: "relatedTo(asker, withSubscription(envelope, message, asker.id))",
    replace: "relatedTo(asker, envelope)",
    tests: MODERN_TESTS,
  },
  {
    harm:
      "a log of a modern server goes to whoever wants one, though it may be for a request that was taken back",
    file: "src/adapters/era/modern/log_askers.ts",
    search: "return this.#inDoubtUpTo === undefined ? this.#open.sole() : undefined;",
    replace: "return this.#open.sole();",
    tests: MODERN_TESTS,
  },
  {
    harm: "a stream goes on to be heard by a client that has ended it",
    file: MODERN_REQUESTS,
    search: "  #takenBack(request: ForwardedRequest): void {\n    this.#listens.take(request.serverId);",
    replace: "  #takenBack(request: ForwardedRequest): void {",
    tests: MODERN_TESTS,
  },
  {
    harm: "a cancellation names the client's own id, which at the modern server is another client's request",
    file: MODERN_REQUESTS,
    search: "withRequestMeta(withCancelledId(said, serverId))",
    replace: "withRequestMeta(said)",
    tests: MODERN_TESTS,
  },
  {
    harm: "what belongs to a request of a modern client finds no stream",
    file: MODERN_REQUESTS,
    search: "  envelope.relatesTo = id;",
    replace: "",
    tests: MODERN_TESTS,
  },
  {
    harm: "a client's key that passes for another tells a modern server what nobody has looked at",
    file: FROM_CLIENTS,
    search: "withKnownKeys(said, MODERN_KEYS)",
    replace: "withKnownKeys(said)",
    tests: MODERN_TESTS,
  },
  {
    harm: "one client has a server of both eras speak the legacy one to all of them",
    file: FROM_CLIENTS,
    search: "if (refusal) return client.deliver({ message: errorOf(id, refusal), relatesTo: id });",
    replace: "",
    tests: MODERN_TESTS,
  },
  {
    harm: "what belongs to a request goes to the GET stream",
    file: SESSION_STREAMS,
    search: "if (exchange?.carriesEvents) return exchange.send(envelope);",
    replace: "",
    tests: STREAMABLE_TESTS,
  },
  {
    harm: "a question waits for a GET stream that its client may never open",
    file: SESSION_STREAMS,
    search: "const other = isQuestion(message) ? this.#postForQuestions() : undefined;",
    replace: "const other: Exchange | undefined = undefined;",
    tests: STREAMABLE_TESTS,
  },
  {
    harm: "an exchange never learns that a request is answered",
    file: "src/frontends/streamable/exchange.ts",
    search: "message.id !== null && this.#waiting.delete(message.id);",
    replace: "message.id !== null && this.#waiting.has(message.id);",
    tests: STREAMABLE_TESTS,
  },
  {
    harm: "a session takes a second request under the id of an open one, whose answer then goes astray",
    file: "src/frontends/streamable/exchanges.ts",
    search: "if (repeated) throw stillOpen(repeated.id);",
    replace: "",
    tests: STREAMABLE_TESTS,
  },
];
