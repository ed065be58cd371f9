/** Where the state of programs is kept, by the custom of each system. */
import { optionName } from "../base/option_name.ts";
import { ConfigError } from "../core/errors.ts";

type Variables = (name: string) => string | undefined;

/** The XDG Base Directory Specification on Linux and its like. Throws ConfigError where there is no home. */
export function defaultStateFolder(os: typeof Deno.build.os, variable: Variables): string {
  switch (os) {
    case "windows":
      return `${required("LOCALAPPDATA", variable)}\\keystone`;
    case "darwin":
      return `${required("HOME", variable)}/Library/Application Support/keystone`;
    default: {
      const xdg = variable("XDG_STATE_HOME") ?? "";
      // One that is not absolute is to be ignored.
      return xdg.startsWith("/") ? `${xdg}/keystone` : `${required("HOME", variable)}/.local/state/keystone`;
    }
  }
}

function required(name: string, variable: Variables): string {
  const value = variable(name);
  if (value) return value;
  throw new ConfigError(`${name} is not set: ${optionName("stateDir")} has to name the folder for state`);
}
