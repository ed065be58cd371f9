/** What the commands say of themselves. */

const COMMON = `  --name <name>        which gateway, where there are several (default: default)
  --stateDir <folder>  where their records are (default: the user's own)`;

const TEXTS = {
  start: `Usage: keystone start [--name <name>] [--foreground] [flags of serving]

Starts a gateway in the background, and returns when it serves.

${COMMON}
  --foreground         stays, with the log on stderr, as supervisors want it

All flags of serving may follow; keystone --help has them. What is wrong with
them is told here. Exit codes: 0 it serves, 1 it runs already or has failed,
2 wrong usage.`,
  restart: `Usage: keystone restart [--name <name>] [--grace <time>] [flags of serving]

Stops a gateway and starts it with the flags of its start, in the folder of its
start. A flag that is given takes the place of the one of that name, a server
that is given that of the server.

${COMMON}
  --grace <time>       how long it may take to stop (default: 15s)`,
  stop: `Usage: keystone stop [--name <name>] [--grace <time>]

Has a gateway finish its open requests and end. Exit codes: 0 it does not run
any more, 1 it could not be ended.

${COMMON}
  --grace <time>       after so long it is killed (default: 15s)`,
  status: `Usage: keystone status [--name <name>] [--json]

Tells of a gateway. Exit codes: 0 it runs, 3 it does not.

${COMMON}
  --json               as one object of JSON`,
  logs: `Usage: keystone logs [--name <name>] [-n <lines>] [-f]

Prints the end of a gateway's log.

${COMMON}
  -n, --lines <count>  how many lines (default: 100)
  -f, --follow         and what comes from then on`,
  health: `Usage: keystone health [--name <name>] [--timeout <time>]
       keystone health <url of a gateway>

Asks a gateway how it is. Exit codes: 0 it is well, 1 it is not.

${COMMON}
  --timeout <time>     how long it may take to answer (default: 5s)`,
} as const;

export function helpOf(command: keyof typeof TEXTS): string {
  return `${TEXTS[command]}\n`;
}
