/** The JSON Schema of a configuration file, from the table of options. */
import * as z from "zod";
import { findOption, isServerOption, optionEntries, type OptionKey, schemaOf } from "../options.ts";
import { nameInFile, RECORDS, sectionEntries, serverKeyName } from "./places.ts";

type Schema = Readonly<Record<string, unknown>>;

/** What stands for any text. */
const DEFINITIONS = {
  variable: {
    type: "string",
    pattern: "\\$\\{",
    description: "A text with ${VARIABLE} or ${VARIABLE:-default}",
  },
  file: {
    ...{
      type: "object",
      properties: { file: { type: "string" } },
      required: ["file"],
      additionalProperties: false,
    },
    description: "The text of a file, relative to this one",
  },
  text: { anyOf: [{ type: "string" }, { $ref: "#/$defs/file" }] },
  texts: {
    type: "object",
    additionalProperties: { anyOf: [{ type: ["string", "number", "boolean"] }, { $ref: "#/$defs/file" }] },
  },
  pairs: { anyOf: [{ $ref: "#/$defs/texts" }, { type: "array", items: { $ref: "#/$defs/text" } }] },
};

export function fileSchema(): Schema {
  const sections = sectionEntries().map(([section, names]) => [section, {
    type: "object",
    properties: Object.fromEntries(names.map(([name, key]) => [name, optionSchema(key)])),
    additionalProperties: false,
  }]);
  const servers = { type: "object", additionalProperties: { $ref: "#/$defs/server" } };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of Keystone",
    type: "object",
    properties: {
      $schema: { type: "string" },
      ...Object.fromEntries(sections),
      servers: { ...servers, description: "The MCP servers, by their names" },
      mcpServers: { ...servers, description: "The same as servers, as other programs have it" },
      inputs: { description: "Of Visual Studio Code; ignored" },
    },
    additionalProperties: false,
    $defs: { ...DEFINITIONS, server: serverSchema() },
  };
}

function serverSchema(): Schema {
  const own = optionEntries().map(([key]) => key).filter(isServerOption)
    .map((key) => [serverKeyName(key), optionSchema(key)]);
  return {
    type: "object",
    properties: {
      command: described("#/$defs/text", "Program to run; without args a whole command line"),
      args: { type: "array", items: { anyOf: [{ $ref: "#/$defs/text" }, { type: "number" }] } },
      url: described("#/$defs/text", "URL of a remote server"),
      type: described("#/$defs/text", "Wire of url: http, streamable-http, sse or ws; stdio of command"),
      transport: described("#/$defs/text", "The same as type"),
      description: described("#/$defs/text", "For people who look for the right server"),
      disabled: { type: "boolean", description: "Leaves it out" },
      ...Object.fromEntries(own),
    },
    anyOf: [{ required: ["command"] }, { required: ["url"] }, {
      properties: { disabled: { const: true } },
      required: ["disabled"],
    }],
  };
}

function described(ref: string, description: string): Schema {
  return { $ref: ref, description };
}

/** What a value may be by itself, or by what stands for it. */
function optionSchema(key: OptionKey): Schema {
  const meta = findOption(key);
  const description = (meta?.description ?? "").replace(
    /\{(\w+)\}/g,
    (_, named: string) => nameInFile(named),
  );
  const about = {
    description,
    ...meta?.default !== undefined && !(key in RECORDS) && { default: meta.default },
  };
  if (key in RECORDS) return { $ref: "#/$defs/pairs", ...about };
  const { $schema: _, default: __, ...own } = z.toJSONSchema(schemaOf(key), {
    target: "draft-2020-12",
    io: "input",
  });
  const alternatives = [own, ...meta?.list === undefined ? [{ $ref: "#/$defs/file" }] : [{ type: "string" }]];
  return { anyOf: [...alternatives, { $ref: "#/$defs/variable" }], ...about };
}
