/** What a Dockerfile says, by instruction. */

export interface Instruction {
  /** In capitals, as FROM. */
  readonly name: string;
  readonly value: string;
}

/** From FROM to the next one. */
export interface Stage {
  readonly name: string;
  /** An image, or the name of another stage. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** Without comments, and with lines joined that end with a backslash. */
export function parseDockerfile(text: string): Stage[] {
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line)).join("\n").replaceAll("\\\n", " ");
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const line of lines.split("\n").filter((line) => line.trim() !== "")) {
    const [, name = "", value = ""] = /^([A-Z]+)\s+(.*\S)\s*$/.exec(line) ?? [];
    if (name === "") throw new Error(`No instruction: ${line}`);
    if (name === "FROM") stages.push(stageOf(value));
    else stages.at(-1)?.instructions.push({ name, value: value.replace(/\s+/g, " ") });
  }
  return stages;
}

function stageOf(value: string) {
  const [from = "", , name = from] = value.split(/\s+/);
  return { name, from, instructions: [] };
}

/** `A=b C="d e" F='["g"]'` of ENV. */
export function readAssignments(value: string): Record<string, string> {
  const pairs = value.matchAll(/(\w+)=("[^"]*"|'[^']*'|\S*)/g);
  return Object.fromEntries(
    [...pairs].map(([, name, text = ""]) => [name, text.replace(/^(["'])(.*)\1$/, "$2")]),
  );
}

/** The words of a command in exec form, which no shell reads. */
export function readExecForm(value: string): string[] {
  const words: unknown = JSON.parse(value.slice(value.indexOf("[")));
  if (!Array.isArray(words)) throw new Error(`No exec form: ${value}`);
  return words.map(String);
}
