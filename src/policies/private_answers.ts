/** Says of each answer to somebody who has proved who it is that it is for nobody else (`PRIVATE_FIELDS`). */
import { type Caller, PRIVATE_FIELDS } from "../core/caller.ts";
import { type HttpPolicy, isPending } from "../core/http_policy.ts";

/** Behind the policy that finds out who the caller is. */
export const privateAnswers: HttpPolicy = (request, caller, next) => {
  const answer = next(request, caller);
  if (!caller.principal) return answer;
  return isPending(answer) ? answer.then((given) => kept(given, caller)) : kept(answer, caller);
};

/** One that says so already is left alone: to look at its headers costs more than to send them. */
function kept<A>(answer: A, { answersPrivately }: Caller): A {
  if (answer instanceof Response && !answersPrivately) {
    const { headers } = answer;
    for (const [name, value] of PRIVATE_FIELDS) {
      if (!headers.get(name)?.includes(value)) headers.append(name, value);
    }
  }
  return answer;
}
