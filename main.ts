import deno from "./deno.json" with { type: "json" };
import { main } from "./src/cli/main.ts";

// Not left to the event loop: a stuck pipe of a child must not keep a stopped gateway alive.
if (import.meta.main) Deno.exit(await main(Deno.args, deno.version));
