/** The local-only endpoint by which a running gateway is looked after; loaded only where it is asked for. */
export type { AdminContext, AdminEnv, AdminHandler, AdminRoutes } from "./admin_env.ts";
export { runtimeRoutes } from "./runtime_routes.ts";
export { createAdmin } from "./create_admin.ts";
export { type AdminEndpoint, serveAdmin } from "./serve_admin.ts";
export type { AdminTarget, ConfigChanged, GatewayStatus } from "./target.ts";
export { makeToken } from "./token.ts";
