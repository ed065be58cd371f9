/** `keystone show-key`: there is no key yet, and who looks for one is told what bounds access. */
import type { CommandContext, ExitCode } from "../command.ts";

export function run(_args: readonly string[], { stderr }: CommandContext): Promise<ExitCode> {
  stderr.write(
    "There is no key: Keystone has no authentication in this version. It listens on 127.0.0.1 unless --host says\n" +
      "otherwise, and refuses a foreign Host or Origin; beyond that, put a reverse proxy that authenticates in front.\n",
  );
  return Promise.resolve(1);
}
