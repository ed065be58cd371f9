/** A real nginx in front of a gateway, with a path prefix and nothing else out of the ordinary. */
import { eventually } from "./keystone.ts";
import { printedBy } from "./programs.ts";

/** Debian has it where a user's PATH does not lead. */
const PROGRAMS = ["nginx", "/usr/sbin/nginx"];
const TRIES = 5;

export const NGINX = await firstOf(PROGRAMS);

interface Nginx extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly origin: string;
}

interface NginxOptions {
  /** Paths of PEM files: it speaks TLS then. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Whether it says how it was reached. */
  readonly forwards?: boolean;
}

/** Passes what comes below the prefix on to this port. */
export async function startNginx(prefix: string, port: number, options: NginxOptions = {}): Promise<Nginx> {
  const folder = await Deno.makeTempDir();
  // No program can be told to take any free port: somebody else may have this one by now.
  for (let round = 0; round < TRIES; round++) {
    const nginx = await tryToStart(folder, { ...options, prefix, port, own: freePort() });
    if (nginx) return nginx;
  }
  throw new Error("nginx has found no port");
}

interface Site extends NginxOptions {
  readonly prefix: string;
  readonly port: number;
  readonly own: number;
}

async function tryToStart(folder: string, site: Site): Promise<Nginx | undefined> {
  await Deno.writeTextFile(`${folder}/nginx.conf`, configuration(site));
  const child = new Deno.Command(NGINX ?? "", {
    args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"],
    ...{ stdin: "null", stdout: "null", stderr: "inherit" },
  }).spawn();
  let over = false;
  child.status.then(() => over = true);
  await eventually(async () => over || await listens(site.own), (done) => done);
  if (over) return undefined;
  return {
    origin: `http${site.tls ? "s" : ""}://127.0.0.1:${site.own}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** What the README shows, and what lets it run as anybody. */
function configuration({ prefix, port, own, tls, forwards }: Site): string {
  const certificate = tls ? `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};` : "";
  const said = [
    "Prefix " + prefix,
    "Proto $scheme",
    "Host $http_host",
    "For $proxy_add_x_forwarded_for",
  ].map((name) => `proxy_set_header X-Forwarded-${name};`);

  const bodies = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
    `${name}_temp_path ${name};`
  );
  return `
    daemon off;
    pid nginx.pid;
    error_log stderr error;
    ${Deno.uid() === 0 ? "user root;" : ""}
    events {}
    http {
      access_log off;
      ${bodies.join("\n      ")}
      map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
      server {
        listen 127.0.0.1:${own}${tls ? " ssl" : ""};
        ${certificate}
        location ${prefix}/ {
          proxy_pass http://127.0.0.1:${port}/;
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
          ${forwards ? said.join("\n          ") : ""}
        }
      }
    }
  `;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    return false;
  }
}

async function firstOf(programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    if (await printedBy(program, "-v") !== undefined) return program;
  }
  return undefined;
}
