/** A v1 client that plays the user of server-everything: it answers whatever the server asks, and remembers it. */
import {
  type CallToolResult,
  CallToolResultSchema,
  type Client,
  type ClientCapabilities,
  connect,
  type Connected,
  type CreateMessageRequest,
  CreateMessageRequestSchema,
  type CreateMessageResult,
  type ElicitRequest,
  ElicitRequestSchema,
  type ElicitResult,
  type Inbox,
  InMemoryTaskStore,
  ListRootsRequestSchema,
  type RequestOptions,
  type Root,
  type Wire,
} from "./clients.ts";
import type { Keystone } from "./keystone.ts";

/** Everything that a server may ask of a client at 2025-11-25. */
const CAPABILITIES: ClientCapabilities = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
  tasks: {
    list: {},
    cancel: {},
    requests: { sampling: { createMessage: {} }, elicitation: { create: {} } },
  },
};

export const SAMPLED: CreateMessageResult = {
  role: "assistant",
  model: "a-model",
  content: { type: "text", text: "Once upon a time" },
  stopReason: "endTurn",
};

type Args = Record<string, unknown>;

export class User implements AsyncDisposable {
  readonly sampled: CreateMessageRequest["params"][] = [];
  readonly elicited: ElicitRequest["params"][] = [];
  /** The next answers, in order; without one the user declines. */
  readonly elicitResults: ElicitResult[] = [];
  /** What the server is told when it asks. */
  roots: Root[] = [];
  #connected!: Connected<Client>;
  readonly #tasks = new InMemoryTaskStore();
  readonly #called: Set<string>;

  private constructor(called: Set<string>) {
    this.#called = called;
  }

  /** The names of the tools that the user calls are added to `called`. */
  static async connect(keystone: Keystone, wire: Wire, called = new Set<string>()): Promise<User> {
    const user = new User(called);
    user.#connected = await connect(keystone, wire, {
      capabilities: CAPABILITIES,
      taskStore: user.#tasks,
      prepare: (client) => user.#handle(client),
    });
    return user;
  }

  get client(): Client {
    return this.#connected.client;
  }

  get inbox(): Inbox {
    return this.#connected.inbox;
  }

  get session(): string | undefined {
    return this.#connected.session;
  }

  async call(name: string, args: Args = {}, options: RequestOptions = {}, _meta?: Args) {
    this.#called.add(name);
    const params = { name, arguments: args, ...(_meta && { _meta }) };
    const result = await this.client.callTool(params, CallToolResultSchema, options);
    return CallToolResultSchema.parse(result);
  }

  /** Calls a tool as a task; gives the statuses on the way and the result. */
  async callAsTask(name: string, args: Args) {
    this.#called.add(name);
    const stream = this.client.experimental.tasks.callToolStream(
      { name, arguments: args },
      CallToolResultSchema,
      { task: { ttl: 60_000 } },
    );
    const statuses: string[] = [];
    for await (const message of stream) {
      if (message.type === "error") throw message.error;
      if (message.type === "result") return { statuses, result: message.result };
      statuses.push(message.task.status);
    }
    throw new Error("The stream ended without a result");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connected[Symbol.asyncDispose]();
    this.#tasks.cleanup();
  }

  #handle(client: Client): void {
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: this.roots }));
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }, { taskStore }) => {
      this.sampled.push(params);
      return asAsked(params, SAMPLED, taskStore!);
    });
    client.setRequestHandler(ElicitRequestSchema, ({ params }, { taskStore }) => {
      this.elicited.push(params);
      return asAsked(params, this.elicitResults.shift() ?? { action: "decline" }, taskStore!);
    });
  }
}

interface TaskMaker {
  createTask(options: { ttl: number | null }): Promise<{ taskId: string }>;
  storeTaskResult(taskId: string, status: "completed", result: Args): Promise<void>;
}

/** At once, or as a task that the server has to come back for. */
async function asAsked<R extends CreateMessageResult | ElicitResult>(
  params: { task?: { ttl?: number | undefined } | undefined },
  result: R,
  tasks: TaskMaker,
) {
  if (!params.task) return result;
  // A copy: the server is to see the task before it is done.
  const task = { ...await tasks.createTask({ ttl: params.task.ttl ?? null }) };
  await tasks.storeTaskResult(task.taskId, "completed", result);
  return { task };
}

/** The text of a result's block. */
export function textIn({ content }: CallToolResult, at = 0): string {
  const block = content[at];
  if (block?.type !== "text") throw new Error(`Block ${at} is no text: ${JSON.stringify(block)}`);
  return block.text;
}
