/** What the commands for API keys say of themselves. */

const COMMON = `  --apiKeyFile <file>  where the keys are (default: api-keys.json in --stateDir)
  --stateDir <folder>  the folder for state (default: the user's own)`;

const TEXTS = {
  keys: `Usage: keystone keys create --name <name> [--scope <scope>] [--expires <time>]
       keystone keys list [--json]
       keystone keys rotate <name> [--grace <time>] [--expires <time>]
       keystone keys revoke <name or id>

API keys, as --auth apiKey takes them. A key is shown once, when it is made:
only its digest is kept. A running gateway takes a change within a second.

${COMMON}
  --name <name>        whose key it is; who has it is "apiKey/<name>" in logs
  --scope <scope>      what it may be used for, repeated for several
  --expires <time>     for how long it counts: 24h, 90d (default: for ever)
  --grace <time>       for how long the old key still counts (default: 24h)
  --json               as JSON

Exit codes: 0 it is done, 1 it could not be, 2 wrong usage.`,
  "show-key": `Usage: keystone show-key [--stateDir <folder>]

Prints the API key that the first start with --auth apiKey has made.

${COMMON}`,
} as const;

export function keyHelp(command: keyof typeof TEXTS): string {
  return `${TEXTS[command]}\n`;
}
