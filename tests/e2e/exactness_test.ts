/** Whatever JSON can say goes through as it was said, over every wire and however servers are shared. */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";
import { canonical, JsonTexts } from "../support/exact_json.ts";
import { type ExactRemote, socketRemote, sseRemote, streamableRemote } from "../support/exact_remote.ts";
import { EXPERIMENTAL } from "../support/exact_server.ts";
import { startKeystone } from "../support/keystone.ts";
import { randomSeed } from "../support/random.ts";
import { byHttp, bySocket, bySse, byStdio, introduce, type TextClient } from "../support/text_clients.ts";

const CHILD = [
  ...[Deno.execPath(), "run", "-A"],
  fromFileUrl(new URL("../fixtures/exact_server.ts", import.meta.url)),
];
const ROUNDS = 8;

const SERVERS: Readonly<Record<string, () => ExactRemote | undefined>> = {
  "a child": () => undefined,
  "a remote over Streamable HTTP": streamableRemote,
  "a remote over SSE": sseRemote,
  "a remote over WebSocket": socketRemote,
};

interface Mode {
  readonly flags: readonly string[];
  /** Whether a client over Streamable HTTP has a session. */
  readonly stateful?: boolean;
  /** Whether no client has one that the server knows of. */
  readonly standsAlone?: boolean;
}

const MODES: Readonly<Record<string, Mode>> = {
  "shared by requests": { flags: [] },
  "one a session": { flags: ["--stateful"], stateful: true },
  "shared by all": { flags: ["--stateful", "--children", "shared"], stateful: true },
  "one a request": { flags: ["--children", "request"], standsAlone: true },
};

for (const [server, open] of Object.entries(SERVERS)) {
  for (const [mode, { flags, stateful = false, standsAlone = false }] of Object.entries(MODES)) {
    Deno.test(`any JSON goes through bit for bit to ${server} that is ${mode}`, async () => {
      const seed = Number(Deno.env.get("EXACTNESS_SEED") ?? randomSeed());
      await using remote = open();
      const all = [...flags, ...remote?.flags ?? [], "--logLevel", "warn"];
      const start = remote ? {} : { server: CHILD };
      const wires = ["--outputTransport", "streamableHttp,sse,ws"];
      await using gateway = await startKeystone([...all, ...wires], start);
      const clients: [string, () => Promise<TextClient>, boolean][] = [
        ["Streamable HTTP", () => byHttp(gateway), stateful],
        ["SSE", () => bySse(gateway), true],
        ["WebSocket", () => bySocket(gateway), true],
        ["stdio", () => Promise.resolve(byStdio(all, start)), true],
      ];
      for (const [wire, connect, hasSession] of clients) {
        await using client = await connect();
        const talk = new Talk(client, new JsonTexts(seed), `seed ${seed}, a client over ${wire}`);
        await talk.introduce();
        for (let round = 0; round < ROUNDS; round++) {
          await talk.echo("echo");
          await talk.echo("report");
          await talk.fail();
          if (hasSession && !standsAlone) {
            await talk.ask();
            await talk.note();
          }
        }
        await talk.pair();
      }
    });
  }
}

/** What goes up and what comes down is compared as text. */
class Talk {
  readonly #client: TextClient;
  readonly #texts: JsonTexts;
  readonly #where: string;

  constructor(client: TextClient, texts: JsonTexts, where: string) {
    this.#client = client;
    this.#texts = texts;
    this.#where = where;
  }

  async introduce(): Promise<void> {
    const answer = await introduce(this.#client);
    assert(canonical(answer).includes(`"experimental":${EXPERIMENTAL}`), `${this.#where}: ${answer}`);
  }

  async echo(tool: "echo" | "report"): Promise<void> {
    const [id, token, value] = [this.#texts.name(), this.#texts.name(), this.#texts.value()];
    await this.#client.send(this.#call(id, tool, value, token));
    if (tool === "report") {
      const params = `{"progressToken":${token},"progress":0.10,"value":${value}}`;
      await this.#hears(`{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}`);
    }
    await this.#hears(echoed(id, value));
  }

  async fail(): Promise<void> {
    const [id, value] = [this.#texts.name(), this.#texts.value()];
    await this.#client.send(this.#call(id, "fail", value));
    await this.#hears(`{"jsonrpc":"2.0","id":${id},"error":{"code":7,"message":"no","data":${value}}}`);
  }

  /** The client gives back what the server asks. */
  async ask(): Promise<void> {
    const [id, value] = [this.#texts.name(), this.#texts.value()];
    await this.#client.send(this.#call(id, "ask", value));
    const question = await this.#client.next();
    const asked = `{"jsonrpc":"2.0","id":9007199254740995,"method":"sampling/createMessage"`;
    assert.equal(canonical(question), canonical(`${asked},"params":{"value":${value}}}`), this.#where);
    await this.#client.send(`{"jsonrpc":"2.0","id":9007199254740995,"result":{"value":${value}}}`);
    await this.#hears(`{"jsonrpc":"2.0","id":${id},"result":{"value":${value}}}`);
  }

  async note(): Promise<void> {
    const [id, value] = [this.#texts.name(), this.#texts.value()];
    await this.#client.send(`{"jsonrpc":"2.0","method":"notifications/vendor","params":{"value":${value}}}`);
    await this.#client.send(this.#call(id, "noted", "1"));
    await this.#hears(`{"jsonrpc":"2.0","id":${id},"result":{"value":{"value":${value}}}}`);
  }

  /** Two at once, in a batch, under ids that one double stands for. */
  async pair(): Promise<void> {
    const value = this.#texts.value();
    const ids = ["9007199254740992", "9007199254740993"];
    await this.#client.send(this.#texts.spaced("[", ...ids.map((id) => this.#call(id, "echo", value)), "]"));
    const expected = ids.map((id) => canonical(echoed(id, value)));
    const heard: string[] = [];
    while (heard.length < 2) {
      const text = canonical(await this.#client.next());
      heard.push(...text.startsWith("[") ? expected.filter((one) => text.includes(one)) : [text]);
    }
    assert.deepEqual(heard.sort(), expected.sort(), this.#where);
  }

  #call(id: string, name: string, value: string, token?: string): string {
    const meta = token === undefined ? "" : `,"_meta":{"progressToken":${token}}`;
    const params = `{"name":"${name}","arguments":{"value":${value}}${meta}}`;
    return this.#texts.spaced(
      "{",
      '"jsonrpc":"2.0"',
      `"id":${id}`,
      '"method":"tools/call"',
      `"params":${params}`,
      "}",
    );
  }

  async #hears(expected: string): Promise<void> {
    assert.equal(canonical(await this.#client.next()), canonical(expected), this.#where);
  }
}

function echoed(id: string, value: string): string {
  const heard = JSON.stringify(canonical(value));
  return `{"jsonrpc":"2.0","id":${id},"result":{"value":${value},"heard":${heard}}}`;
}
