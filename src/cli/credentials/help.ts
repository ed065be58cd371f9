/** What the commands for credentials say of themselves. */

const STATE = `  --stateDir <folder>     the folder for state (default: the user's own)`;
const KEYS = `${STATE}
  --apiKeyFile <file>     where the keys are (default: api-keys.json there)`;

const TEXTS = {
  keys: `Usage: keystone keys create --name <name> [--scope <scope>] [--expires <time>]
       keystone keys list [--json]
       keystone keys rotate <name> [--grace <time>] [--expires <time>]
       keystone keys revoke <name or id>

API keys, as --auth apiKey takes them. A key is shown once, when it is made:
only its digest is kept. A running gateway takes a change within a second.

${KEYS}
  --name <name>           whose key it is: "apiKey/<name>" in logs
  --scope <scope>         what it may be used for, repeated for several
  --expires <time>        for how long it counts: 24h, 90d (default: for ever)
  --grace <time>          for how long the old key still counts (default: 24h)
  --json                  as JSON

Exit codes: 0 it is done, 1 it could not be, 2 wrong usage.`,
  keypair: `Usage: keystone keypair generate [--out <file>] [--name <name>]
       keystone keypair show <file> [--name <name>]

Key pairs of Ed25519. Who has the private key signs requests with it
(--keypair); the public key is a line in the file of --authorizedKeys of a
gateway with --auth keypair. Both commands print that line; no private key is
shown.

${STATE}
  --out <file>            where the private key goes; no file is overwritten
                          (default: keypair.pem there)
  --name <name>           what the line calls the caller (default: as this user)

show also reads private keys that ssh-keygen -t ed25519 has made.

Exit codes: 0 it is done, 1 it could not be, 2 wrong usage.`,
  "show-key": `Usage: keystone show-key [--stateDir <folder>]

Prints the API key that the first start with --auth apiKey has made.

${KEYS}`,
  users: `Usage: keystone users add <name> [--scope <scope>]
       keystone users password <name>
       keystone users list [--json]
       keystone users remove <name>

Users with passwords, as --auth basic takes them. The password is asked for, or
read from the first line of stdin; only what scrypt makes of it is kept. A
running gateway takes a change within a second.

${STATE}
  --basicUserFile <file>  where they are (default: users.json there)
  --scope <scope>         what the user may do, repeated for several
  --json                  as JSON

Exit codes: 0 it is done, 1 it could not be, 2 wrong usage.`,
} as const;

export function credentialHelp(command: keyof typeof TEXTS): string {
  return `${TEXTS[command]}\n`;
}
