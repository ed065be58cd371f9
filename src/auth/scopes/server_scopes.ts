/** The policy that lets in who was granted what each call of a server needs. */
import type { HttpPolicy } from "../../core/http_policy.ts";
import type { ProtectedResources } from "../protected_resource.ts";
import { requireScopes } from "./scopes.ts";

/** Throws RequestError 403. Behind the policy that limits how much is asked for: whoever is refused has asked, too. */
export function serverScopeGuard(resources: () => ProtectedResources | undefined): HttpPolicy {
  return (request, caller, next) => {
    const all = caller.openness ? undefined : resources();
    const asked = all?.at(request);
    if (all && asked && asked.scopes.length > 0) {
      const demand = { scopes: asked.scopes, metadataUrl: all.metadataUrl(request, caller) };
      requireScopes(caller, { demand }, asked.emit);
    }
    return next(request, caller);
  };
}
