/** The body of a call as JSON. */
import { RequestError } from "../core/errors.ts";
import type { AdminContext } from "./admin_env.ts";

/** Throws RequestError that says what was expected. */
export async function jsonIn(req: AdminContext["req"], expected: string): Promise<unknown> {
  try {
    return await req.json();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new RequestError(`The body is no JSON: expected ${expected}`, { cause });
  }
}
