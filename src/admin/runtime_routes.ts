/** `/runtime/*` of the admin endpoint: what is set of servers while they are served, and their sessions. */
import { Hono } from "hono";
import { quoted } from "../base/outside.ts";
import { RequestError } from "../core/errors.ts";
import type { Override } from "../overrides/override.ts";
import { parseOverride } from "../overrides/parse_override.ts";
import { isWhen, WHEN, type When } from "../overrides/restarts.ts";
import type { Applied, ChangeOptions, Runtime, ShownVersion } from "../overrides/runtime.ts";
import type { AdminContext, AdminEnv, AdminRoutes } from "./admin_env.ts";
import { jsonIn } from "./json_body.ts";

/** By the name of the server. */
type Runtimes = ReadonlyMap<string, Runtime>;

/** A body that is refused as a whole: each problem is one line that begins with the key. */
class OverrideRefused extends RequestError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The override is refused: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

export function runtimeRoutes(runtimes: () => Runtimes): AdminRoutes {
  const routes = new Hono<AdminEnv>()
    .get("/defaults", (context) => versionOf(context, namedIn(context, runtimes()).runtime.defaults()))
    .post("/defaults", async (context) => {
      const { name, runtime } = namedIn(context, runtimes());
      const change = await overrideIn(context, runtime);
      return appliedOf(context, `defaults of ${name}`, runtime.changeDefaults(change, optionsIn(context)));
    })
    .delete("/defaults", (context) => {
      const { name, runtime } = namedIn(context, runtimes());
      return appliedOf(context, `defaults of ${name}`, runtime.clearDefaults(optionsIn(context)));
    })
    .get(
      "/sessions",
      (context) =>
        context.json({ sessions: [...runtimes().values()].flatMap((runtime) => runtime.sessions()) }),
    )
    .delete("/sessions/:id", (context) => {
      const id = context.req.param("id");
      ownerOf(id, runtimes()).endSession(id);
      return told(context, `session ${short(id)} ended`, { ended: true });
    })
    .get("/session/:id", (context) => {
      const id = context.req.param("id");
      return versionOf(context, ownerOf(id, runtimes()).session(id));
    })
    .post("/session/:id", async (context) => {
      const id = context.req.param("id");
      const runtime = ownerOf(id, runtimes());
      const change = await overrideIn(context, runtime);
      return appliedOf(
        context,
        `session ${short(id)}`,
        runtime.changeSession(id, change, optionsIn(context)),
      );
    })
    .delete("/session/:id", (context) => {
      const id = context.req.param("id");
      const applied = ownerOf(id, runtimes()).clearSession(id, optionsIn(context));
      return appliedOf(context, `session ${short(id)}`, applied);
    })
    .post("/session/:id/restart", (context) => {
      const id = context.req.param("id");
      const when = whenIn(context);
      if (when === "never") throw new RequestError('restart "never": expected idle or now');
      ownerOf(id, runtimes()).restartSession(id, when);
      return told(context, `session ${short(id)} is opened again`, { restart: when }, 202);
    });
  routes.onError((error, context) => {
    if (!(error instanceof OverrideRefused)) throw error;
    return context.json({ error: error.message, problems: error.problems }, 400);
  });
  return routes;
}

// --- what a call says ---

interface Named {
  readonly name: string;
  readonly runtime: Runtime;
}

/** Of one server alone it need not be said which. */
function namedIn({ req }: AdminContext, runtimes: Runtimes): Named {
  const wanted = req.query("server");
  const [only, ...others] = runtimes;
  if (wanted === undefined && only && others.length === 0) return { name: only[0], runtime: only[1] };
  const runtime = wanted === undefined ? undefined : runtimes.get(wanted);
  if (wanted !== undefined && runtime) return { name: wanted, runtime };
  const names = [...runtimes.keys()].map((name) => JSON.stringify(name)).join(", ");
  const why = wanted === undefined
    ? "server: expected one of them"
    : `server ${quoted(wanted)}: there is none`;
  throw new RequestError(`${why}, as ?server=NAME: ${names}`, { status: wanted === undefined ? 400 : 404 });
}

function ownerOf(id: string, runtimes: Runtimes): Runtime {
  const owner = [...runtimes.values()].find((runtime) => runtime.has(id));
  if (owner) return owner;
  throw new RequestError("Session not found: GET /runtime/sessions lists those that there are", {
    status: 404,
  });
}

async function overrideIn({ req }: AdminContext, { kind }: Runtime): Promise<Override> {
  const parsed = parseOverride(await jsonIn(req, "an object of args, env, headers and bearer"), kind);
  if ("problems" in parsed) throw new OverrideRefused(parsed.problems);
  return parsed.override;
}

function optionsIn(context: AdminContext): ChangeOptions {
  return { ifMatch: context.req.header("if-match"), restart: whenIn(context) };
}

function whenIn({ req }: AdminContext): When {
  const when = req.query("restart") ?? "idle";
  if (isWhen(when)) return when;
  throw new RequestError(
    `restart ${quoted(when)}: expected ${WHEN.slice(0, -1).join(", ")} or ${WHEN.at(-1)}`,
  );
}

// --- what is answered, and what the log has of it ---

function versionOf(context: AdminContext, { value, etag }: ShownVersion): Response {
  return context.json({ override: value }, 200, { ETag: etag });
}

function appliedOf(context: AdminContext, what: string, { value, etag, ...reached }: Applied): Response {
  const { live, restart, kept } = reached;
  context.set("changed", `${what}: live ${live.length}, restart ${restart.length}, kept ${kept.length}`);
  return context.json({ override: value, ...reached }, 200, { ETag: etag });
}

function told(context: AdminContext, changed: string, body: object, status: 200 | 202 = 200): Response {
  context.set("changed", changed);
  return context.json(body, status);
}

/** A session's id is a secret: the log has its beginning. */
const SESSION_CHARS = 8;

function short(id: string): string {
  return id.slice(0, SESSION_CHARS);
}
