/** What the prompt understands. */
import { VOCABULARY } from "./vocabulary.ts";

type Line = readonly [what: string, does: string];

const OPTIONS: readonly Line[] = [
  ["--session ID", "for this session alone; the beginning of its id is enough"],
  ["--server NAME", "for which of several servers"],
  ["--restart idle|now|never", "when its server is opened again for that; idle: once no request is open"],
];
const KEYS: readonly Line[] = [
  ["Tab", "completes words, ids and names"],
  ["Ctrl-D", "leaves the prompt, and the gateway goes on"],
  ["Ctrl-C", "stops the gateway, as it does without a prompt"],
];

export const HELP: string = textOf([
  [...VOCABULARY.values()].flatMap(({ usage }) => usage),
  OPTIONS,
  KEYS,
]);

function textOf(groups: readonly (readonly Line[])[]): string {
  const width = Math.max(...groups.flat().map(([what]) => what.length));
  return groups
    .map((lines) => lines.map(([what, does]) => `  ${what.padEnd(width)}  ${does}\n`).join(""))
    .join("\n");
}
