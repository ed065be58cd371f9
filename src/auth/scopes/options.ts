/** What callers need to be granted. */
import { listsOf, type NamePattern, patternIn } from "../../options/glob_values.ts";
import { option, section } from "../../options/section.ts";
import { SCOPE } from "../authenticator.ts";

export const scopeOptions = section({
  requiredScope: option(
    listsOf("expected a scope, such as tools, or a pattern of tools and a scope, as delete_*=admin", ruleIn),
    {
      value: "<scope>",
      description:
        "what callers must be granted: a scope for all that they do, or one for tools that fit a pattern, " +
        "as 'delete_*=admin'; joined by commas or repeated, and all that fit are needed",
      list: "repeated",
      default: [],
    },
  ),
}, ({ requiredScope }) => ({ requiredScopes: requiredScope }));

export interface ScopeRule {
  readonly scope: string;
  /** Which tools need it; whatever is called where this is left out. */
  readonly tools?: NamePattern;
}

/** A scope that is needed for all has no `=` in it: else `delete_=admin` without a star would be one by mistake. */
function ruleIn(text: string): ScopeRule | undefined {
  const [, named, scope = text] = /^(.*)=([^=]*)$/s.exec(text) ?? [];
  if (!SCOPE.test(scope)) return undefined;
  if (named === undefined) return { scope };
  const tools = patternIn(named);
  return tools && { scope, tools };
}
