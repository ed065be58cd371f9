/** What a caller may bring for the server that answers it. */
import * as z from "zod";
import { isHeaderName } from "../options/network_values.ts";
import { option, section, type SettingsOf } from "../options/section.ts";
import { readFromText } from "../options/values.ts";
import { isOwnHeader, runsPrograms } from "./header_rules.ts";

/** A header of a caller, and what it becomes at the server. */
export interface HeaderMapping {
  readonly header: string;
  readonly target: string;
}

export const callerOptions = section({
  headerToEnv: option(z.array(headerToVariable()), {
    value: "<Header=VARIABLE>",
    description:
      "a header of whoever opens a session, or calls without one, becomes a variable of the child that answers it, " +
      "which nobody else shares then; repeatable",
    list: "repeated",
    default: [],
  }),
  headerToHeader: option(z.array(headerToHeader()), {
    value: "<Header=Header>",
    description: "the same for a remote server, which is told it as this header; repeatable",
    list: "repeated",
    default: [],
  }),
});

export type CallerSettings = SettingsOf<typeof callerOptions>;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

function headerToVariable() {
  const expected = (text: string) => {
    const [, target] = mappingIn(text) ?? [];
    return target !== undefined && runsPrograms(target)
      ? `expected Header=VARIABLE, but a client could run programs by ${target}`
      : "expected Header=VARIABLE, such as X-GitHub-Token=GITHUB_TOKEN";
  };
  return mapping(expected, (target) => VARIABLE.test(target) && !runsPrograms(target));
}

function headerToHeader() {
  const expected = (text: string) => {
    const [, target] = mappingIn(text) ?? [];
    return target !== undefined && isOwnHeader(target)
      ? `expected Header=Header, but Keystone itself sets ${target}`
      : "expected Header=Header, such as X-Tenant=X-Tenant";
  };
  return mapping(expected, (target) => isHeaderName(target) && !isOwnHeader(target));
}

function mapping(expected: (text: string) => string, isTarget: (target: string) => boolean) {
  return readFromText(expected, (text): HeaderMapping | undefined => {
    const [header = "", target = ""] = mappingIn(text) ?? [];
    return isHeaderName(header) && isTarget(target) ? { header: header.toLowerCase(), target } : undefined;
  });
}

function mappingIn(text: string): readonly [header: string, target: string] | undefined {
  const [, header, target] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
  return header === undefined || target === undefined ? undefined : [header, target];
}
