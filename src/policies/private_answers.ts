/** What is answered to somebody who has proved who it is belongs to that one: no cache keeps it, and no browser guesses at it. */
import { type HttpPolicy, isPending } from "../core/http_policy.ts";

/** Behind the policy that finds out who the caller is. */
export const privateAnswers: HttpPolicy = (request, caller, next) => {
  const answer = next(request, caller);
  if (!caller.principal) return answer;
  return isPending(answer) ? answer.then(kept) : kept(answer);
};

function kept<A>(answer: A): A {
  if (answer instanceof Response) {
    const { headers } = answer;
    if (!headers.get("Cache-Control")?.includes("no-store")) headers.append("Cache-Control", "no-store");
    headers.set("X-Content-Type-Options", "nosniff");
  }
  return answer;
}
