import assert from "node:assert/strict";
import { parseMessage } from "../../../core/message/parse.ts";
import { withKnownKeys } from "../../sharing/known_keys.ts";
import { MODERN_KEYS } from "./modern_keys.ts";

function call(meta: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":{${meta}}}}`;
}

function left(text: string): string | undefined {
  return withKnownKeys({ message: parseMessage(text), text }, MODERN_KEYS).text;
}

Deno.test("MODERN_KEYS leave a request what it says of itself, and what vendors say", () => {
  const meta = [
    '"io.modelcontextprotocol/protocolVersion":"2026-07-28"',
    '"io.modelcontextprotocol/clientInfo":{}',
    '"io.modelcontextprotocol/clientCapabilities":{}',
    '"io.modelcontextprotocol/logLevel":"info"',
    '"io.modelcontextprotocol/related-task":{}',
    '"com.example/logLevel":1,"logLevel":2,"subscriptionId":3',
    '"progressToken":1,"traceparent":"00-0-0-01","tracestate":"a=b","baggage":"c=d"',
  ];
  assert.equal(left(call(meta.join())), call(meta.join()));
});

Deno.test("MODERN_KEYS leave out what passes for a key that this era has for itself", () => {
  const spellings = [
    ..."io.modelcontextprotocol/loglevel IO.ModelContextProtocol/logLevel io.modelcontextprotocol/log_level"
      .split(" "),
    ..."iomodelcontextprotocol/logLevel io-modelcontextprotocol-logLevel İo.modelcontextprotocol/logLevel"
      .split(" "),
    ...["io.modelcontextprotocol/logLevel\\\\u0000x", "\u200bio.modelcontextprotocol/logLevel"],
    ..."io.modelcontextprotocol/subscriptionID io.modelcontextprotocol/subscription_id".split(" "),
    ..."io.modelcontextprotocol/ProtocolVersion io.modelcontextprotocol/clientcapabilities".split(" "),
    ..."progress_token PROGRESSTOKEN request_id _META".split(" "),
  ].map((spelled) => spelled.replace("\\\\", "\\"));
  for (const key of spellings) assert.equal(left(call(`"a":1,"${key}":2`)), call('"a":1'), key);
});

Deno.test("MODERN_KEYS leave out the id of a subscription, which servers alone have to name", () => {
  for (const key of ["io.modelcontextprotocol/subscriptionId", "io.modelcontextprotocol\\/subscriptionId"]) {
    assert.equal(left(call(`"a":1,"${key}":2`)), call('"a":1'));
  }
});
