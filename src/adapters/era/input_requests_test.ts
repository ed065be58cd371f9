import assert from "node:assert/strict";
import type { Params } from "../../core/message/jsonrpc.ts";
import { undeclared } from "./input_requests.ts";

const FORM = { elicitation: { form: {} } };
const URL_MODE = { elicitation: { url: {} } };
const TOOLS = { sampling: { tools: {} } };

Deno.test("undeclared names the mode of an elicitation: forms where none is named, and none but what is named", () => {
  const cases: [declared: unknown, mode: string | undefined, missing: Params | undefined][] = [
    [undefined, undefined, FORM],
    [true, "form", FORM],
    [{}, undefined, undefined],
    [{}, "form", undefined],
    [{}, "url", URL_MODE],
    [{ form: {} }, "url", URL_MODE],
    [{ url: {} }, "url", undefined],
    [{ url: {} }, "form", FORM],
    [{ form: {}, url: {} }, undefined, undefined],
    // Some write null for what they do not say.
    [{ form: null, url: null }, "form", undefined],
    [{ form: null, url: null }, "url", URL_MODE],
    // That is no declaration of anything.
    [{ url: true }, "url", URL_MODE],
    [{ url: true }, "form", FORM],
  ];
  for (const [elicitation, mode, missing] of cases) {
    const question = { method: "elicitation/create", params: { message: "?", ...mode && { mode } } };
    assert.deepEqual(undeclared(question, { elicitation }), missing, JSON.stringify([elicitation, mode]));
  }
});

Deno.test("undeclared wants tools of a sampling to be declared where there are some", () => {
  const cases: [declared: unknown, asked: Params, missing: Params | undefined][] = [
    [undefined, {}, { sampling: {} }],
    [{}, {}, undefined],
    [{}, { tools: [] }, TOOLS],
    [{}, { toolChoice: { mode: "none" } }, TOOLS],
    [{}, { tools: null, toolChoice: {} }, TOOLS],
    [{}, { tools: null }, undefined],
    [{}, { tools: null, toolChoice: null }, undefined],
    [{ tools: {} }, { tools: [], toolChoice: {} }, undefined],
    [{ tools: null }, { tools: [] }, TOOLS],
  ];
  for (const [sampling, asked, missing] of cases) {
    const question = { method: "sampling/createMessage", params: { messages: [], ...asked } };
    assert.deepEqual(undeclared(question, { sampling }), missing, JSON.stringify([sampling, asked]));
  }
});
