/** Answers every call by the same content, whatever was asked. */
Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]) }, async (request) => {
  const { id, method } = await request.json();
  if (id === undefined) return new Response(null, { status: 202 });
  const content = [{ type: "text", text: "m1-" }];
  const result = method === "initialize" ? { serverInfo: { name: "liar" } } : { content };
  return Response.json({ jsonrpc: "2.0", id, result });
});
