/** `keystone show-key`: the key that the first start has made. */
import { firstKeyPath, readFirstKey } from "../../auth/api_key/first_key.ts";
import { lapseOf } from "../../auth/api_key/key_file.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { credentialHelp } from "./help.ts";
import { readRecordFlags, readRecords, recordFileOf } from "./record_flags.ts";

export async function run(args: readonly string[], { stdout, stderr }: CommandContext): Promise<ExitCode> {
  const given = readRecordFlags("show-key", "apiKeyFile", args);
  if (given.on("help")) {
    stdout.write(credentialHelp("show-key"));
    return 0;
  }
  const path = await recordFileOf("apiKeyFile", given);
  const first = readRecords(path, readFirstKey);
  if (!first) {
    stderr.write(
      `There is no key in ${firstKeyPath(path)}: the first start with --auth apiKey makes one, and\n` +
        "keystone keys create makes others\n",
    );
    return 1;
  }
  const { text, entry } = first;
  const lapse = entry ? lapseOf(entry, Date.now()) : "unknown";
  if (lapse) {
    stderr.write(`The key in ${firstKeyPath(path)} does not count any more: it is ${lapse}\n`);
    return 1;
  }
  stdout.write(`${text}\n`);
  return 0;
}
