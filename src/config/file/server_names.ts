/** What a server may be called in a configuration file: its name is a part of its routes. */

const MAX_CHARS = 64;
const NAME = /^[A-Za-z0-9][\w.-]*$/;

/** What stands at the root where several servers are served, or is to stand there, and what clients look for there. */
const TAKEN = new Set(
  ("mcp sse message messages ws health runtime config events reload stop metrics admin dashboard api oauth authorize " +
    "token register").split(" "),
);

/** What is wrong with it, or undefined. */
export function nameFault(name: string, isOneOfMany: boolean): string | undefined {
  if (!NAME.test(name) || name.length > MAX_CHARS) {
    const meant = name.replace(/[^\w.-]+/g, "-").replace(/^[^A-Za-z0-9]+|-+$/g, "").slice(0, MAX_CHARS);
    const example = NAME.test(meant) ? `, such as ${meant}` : "";
    return `expected a name of letters, digits, -, _ and ., ${MAX_CHARS} at most${example}`;
  }
  if (isOneOfMany && TAKEN.has(name.toLowerCase())) {
    return `expected another name, since /${name} is a route of Keystone where it serves several servers`;
  }
  return undefined;
}
