/** The least that a gateway can do: a bare handler and a pipe. `floor.ts --port N [--cert file --key file] -- child` */
import { parseArgs } from "node:util";

const text = { type: "string" } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: text, cert: text, key: text },
});
const [command = "", ...args] = positionals;
const child = new Deno.Command(command, { args, stdin: "piped", stdout: "piped" }).spawn();
const stdin = child.stdin.getWriter();
const encoder = new TextEncoder();
const waiting = new Map<unknown, (line: string) => void>();

async function readAnswers(): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of child.stdout) {
    const lines = decoder.decode(chunk, { stream: true }).split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop() ?? "";
    for (const line of lines) waiting.get(JSON.parse(line).id)?.(line);
  }
}

async function answer(request: Request): Promise<Response> {
  const body = await request.text();
  const { id } = JSON.parse(body);
  const line = id === undefined ? undefined : new Promise<string>((resolve) => waiting.set(id, resolve));
  await stdin.write(encoder.encode(`${body}\n`));
  if (line === undefined) return new Response(null, { status: 202 });
  const response = new Response(await line, { headers: { "Content-Type": "application/json" } });
  waiting.delete(id);
  return response;
}

const { cert, key } = values;
const tls = cert && key ? { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) } : {};
Deno.serve({ hostname: "127.0.0.1", port: Number(values.port), ...tls }, answer);
await readAnswers();
