/** Says of each answer to somebody who has proved who it is that it is for nobody else (`PRIVATE_HEADERS`). */
import { type Caller, PRIVATE_HEADERS } from "../core/caller.ts";
import { type HttpPolicy, isPending } from "../core/http_policy.ts";

/** Behind the policy that finds out who the caller is. */
export const privateAnswers: HttpPolicy = (request, caller, next) => {
  const answer = next(request, caller);
  if (!caller.principal) return answer;
  return isPending(answer) ? answer.then((given) => kept(given, caller)) : kept(answer, caller);
};

/** One that was made with the headers is left alone: to look at them costs more than to send them. */
function kept<A>(answer: A, { answersPrivately }: Caller): A {
  if (answer instanceof Response && !answersPrivately) {
    const { headers } = answer;
    for (const [name, value] of Object.entries(PRIVATE_HEADERS)) {
      if (!headers.get(name)?.includes(value)) headers.append(name, value);
    }
  }
  return answer;
}
