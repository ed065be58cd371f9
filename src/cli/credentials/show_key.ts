/** `keystone show-key`: the key that the first start has made. */
import { firstKeyPath, readFirstKey } from "../../auth/api_key/first_key.ts";
import { lapseOf } from "../../auth/api_key/key_file.ts";
import { GatewayError } from "../../core/errors.ts";
import type { CommandContext, ExitCode } from "../command.ts";
import { credentialHelp } from "./help.ts";
import { readRecordFlags, readRecords, recordFileOf } from "./record_flags.ts";

export async function run(args: readonly string[], { stdout }: CommandContext): Promise<ExitCode> {
  const given = readRecordFlags("show-key", "apiKeyFile", args);
  if (given.on("help")) {
    stdout.write(credentialHelp("show-key"));
    return 0;
  }
  const path = await recordFileOf("apiKeyFile", given);
  const first = readRecords(path, readFirstKey);
  if (!first) {
    throw new GatewayError(
      `there is no key in ${firstKeyPath(path)}; the first start that takes API keys makes one, ` +
        "and keystone keys create makes others",
    );
  }
  const { text, entry } = first;
  const lapse = entry ? lapseOf(entry, Date.now()) : "unknown";
  if (lapse) {
    throw new GatewayError(`the key in ${firstKeyPath(path)} does not count any more: it is ${lapse}`);
  }
  stdout.write(`${text}\n`);
  return 0;
}
