/** The servers that are served, from one configuration to the next: who stands in both alike goes on undisturbed. */
import { ConfigError } from "./core/errors.ts";
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
type Create = (config: ServerConfig, options: CreateOptions) => ServedServer;

interface CreateOptions {
  /** Given where there are several. */
  readonly name?: string;
  /** Whether a server that cannot be had is served as one that has failed. */
  readonly tolerant: boolean;
}

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
    const kept = this.#kept(configs);
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
      later: [...kept].filter(([name, server]) => !isUnchanged(server, configs.get(name))).map(([name]) =>
        name
      ),
    };
  }

  /** From now on these are the servers. */
  adopt({ servers }: Plan): void {
    // Whoever is on the way out does that beside others.
    for (const [name, server] of this.#servers) server.nameInEvents = name;
    this.#servers = servers;
    for (const [name, server] of servers) server.nameInEvents = servers.size > 1 ? name : undefined;
  }

  #kept(configs: Configs): Servers {
    const several = configs.size > 1;
    return new Map(
      [...this.#servers].filter(([name, server]) => {
        const config = configs.get(name);
        if (!config) return false;
        if (isOfStdin(server.config)) return true;
        // What could not be had may be there by now.
        return isUnchanged(server, config) && (server.usable || several && !this.#canBeHad(config));
      }),
    );
  }

  #canBeHad(config: ServerConfig): boolean {
    try {
      this.#create(config, { tolerant: false }).discard();
      return true;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return false;
    }
  }

  #complete(configs: Configs, kept: Servers): Servers {
    const fresh: ServedServer[] = [];
    const create = (name: string, config: ServerConfig) => {
      const several = configs.size > 1;
      // One that works is not given up for one that does not.
      const tolerant = several && !this.#servers.get(name)?.usable;
      const server = this.#create(config, { ...several && { name }, tolerant });
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

function isUnchanged(server: ServedServer, config: ServerConfig | undefined): boolean {
  return config !== undefined && server.isServedAs(config);
}

/** Its client is whoever started us, and cannot come again. */
function isOfStdin({ transports }: ServerConfig): boolean {
  return transports.includes("stdio");
}
