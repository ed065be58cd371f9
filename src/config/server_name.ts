const LAUNCHER =
  /^(npx|npm|bunx|bun|uvx|uv|node|deno|python\d?(\.\d+)?|pipx|docker|podman|sh|bash|pnpm|yarn|cmd|powershell|pwsh)$/i;
const SUBCOMMAND = /^(run|exec|x|dlx|tool|start|-.*)$/;
/** Of cmd.exe. */
const WINDOWS_FLAG = /^\/[a-z]$/i;
const NAME = /^[\w.@:-]+$/;

/** What a server is called after its command: `npx -y @scope/server-files@1.2 /srv` is "server-files". */
export function serverName(words: readonly string[]): string {
  const names = words.filter((word) => !WINDOWS_FLAG.test(word)).map((word) =>
    word.replace(/^npm:/, "").replace(/^.*[\\/](?=.)/, "").replace(/(?<=.)\.(exe|cmd|bat)$/i, "")
  );
  const name = names.find((name) => NAME.test(name) && !LAUNCHER.test(name) && !SUBCOMMAND.test(name));
  return name?.replace(/(?<=.)@.*$/, "").replace(/(?<=.)\.(c|m)?(js|ts|py)$/, "") || "keystone";
}
