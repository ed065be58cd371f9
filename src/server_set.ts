/** The servers that are served, from one configuration to the next: who stands in both alike goes on undisturbed. */
import { sameSettings } from "./base/same_settings.ts";
import type { ServerConfig } from "./config/mod.ts";
import type { ServedServer } from "./served_server.ts";

/** What a new configuration has changed, by the names of servers. */
export interface ServerChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** What a configuration comes to; nothing of it is done yet, but that what is fresh has been made. */
export interface Plan {
  readonly servers: ReadonlyMap<string, ServedServer>;
  readonly fresh: readonly ServedServer[];
  readonly gone: readonly ServedServer[];
  readonly changes: ServerChanges;
  /** Whose change takes effect at the next start alone. */
  readonly later: readonly string[];
}

type Servers = ReadonlyMap<string, ServedServer>;
type Configs = ReadonlyMap<string, ServerConfig>;
/** `name` is given where there are several. */
type Create = (config: ServerConfig, name: string | undefined) => ServedServer;

export class ServerSet {
  readonly #create: Create;
  #servers: Servers = new Map();

  /** `create` throws ConfigError for what is wrong with a server on this machine. */
  constructor(create: Create) {
    this.#create = create;
  }

  get byName(): Servers {
    return this.#servers;
  }

  get all(): ServedServer[] {
    return [...this.#servers.values()];
  }

  /** Throws what `create` throws; then nothing has changed, and nothing is left. */
  plan(configs: Configs): Plan {
    const before = this.#servers;
    const kept = keptOf(before, configs);
    const servers = this.#complete(configs, kept);
    const names = [...servers.keys()];
    const isFresh = (name: string) => !kept.has(name);
    return {
      servers,
      fresh: names.filter(isFresh).map((name) => servers.get(name)!),
      gone: [...before].filter(([name]) => !kept.has(name)).map(([, server]) => server),
      changes: {
        added: names.filter((name) => isFresh(name) && !before.has(name)),
        changed: names.filter((name) => isFresh(name) && before.has(name)),
        removed: [...before.keys()].filter((name) => !servers.has(name)),
      },
      later: [...kept].filter(([name, { config }]) => !isUnchanged(config, configs.get(name)))
        .map(([name]) => name),
    };
  }

  /** From now on these are the servers. */
  adopt({ servers }: Plan): void {
    this.#servers = servers;
  }

  #complete(configs: Configs, kept: Servers): Servers {
    const fresh: ServedServer[] = [];
    const create = (name: string, config: ServerConfig) => {
      const server = this.#create(config, configs.size > 1 ? name : undefined);
      fresh.push(server);
      return server;
    };
    try {
      return new Map([...configs].map(([name, config]) => [name, kept.get(name) ?? create(name, config)]));
    } catch (error) {
      for (const server of fresh) server.discard();
      throw error;
    }
  }
}

/** From one server to several all of them move to other paths, and back. */
function keptOf(before: Servers, configs: Configs): Servers {
  const stay = (before.size > 1) === (configs.size > 1);
  return new Map(
    [...before].filter(([name, { config }]) =>
      configs.has(name) && (isOfStdin(config) || (stay && isUnchanged(config, configs.get(name))))
    ),
  );
}

function isUnchanged(before: ServerConfig, now: ServerConfig | undefined): boolean {
  return now !== undefined && sameSettings(before, now);
}

/** Its client is whoever started us, and cannot come again. */
function isOfStdin({ transports }: ServerConfig): boolean {
  return transports.includes("stdio");
}
