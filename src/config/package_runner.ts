/** What a command line fetches before it runs: that may take longer than the server's own start. */
import type { ServerCommand } from "./server_input.ts";

interface Runner {
  readonly program: RegExp;
  /** The words behind it that make it fetch; none where it always does. */
  readonly words?: RegExp;
  readonly fetches: string;
}

const RUNNERS: readonly Runner[] = [
  { program: /^(npx|pnpx|bunx|uvx)$/, fetches: "the package" },
  { program: /^npm$/, words: /^(exec|x)$/, fetches: "the package" },
  { program: /^(pnpm|yarn)$/, words: /^dlx$/, fetches: "the package" },
  { program: /^bun$/, words: /^x$/, fetches: "the package" },
  { program: /^uv$/, words: /^(run|tool|x)$/, fetches: "the packages" },
  { program: /^pipx$/, words: /^run$/, fetches: "the package" },
  { program: /^deno$/, words: /^(npm|jsr|https?):/, fetches: "the modules" },
  { program: /^(docker|podman)$/, words: /^run$/, fetches: "the image" },
];

/** Undefined where nothing is fetched, as far as can be seen. */
export function fetchedFirst({ program, args, shell }: ServerCommand): string | undefined {
  const [first = "", ...words] = shell ? program.trim().split(/\s+/) : [program, ...args];
  const name = first.replace(/^.*[/\\]/, "").replace(/\.(cmd|exe|bat|ps1)$/i, "");
  const runner = RUNNERS.find((runner) => runner.program.test(name) && runs(runner, words));
  return runner && `${name} may be fetching ${runner.fetches}`;
}

function runs({ words: wanted }: Runner, words: readonly string[]): boolean {
  return wanted === undefined || words.some((word) => wanted.test(word));
}
