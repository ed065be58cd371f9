import assert from "node:assert/strict";
import { writePrivately } from "../files/private_file.ts";
import { PairWatch } from "./pair_watch.ts";

interface Rig extends AsyncDisposable {
  readonly watch: PairWatch;
  /** The pairs that count, one after the other. */
  readonly taken: string[];
  readonly troubles: string[];
  put(file: "cert" | "key", text: string): Promise<void>;
}

/** Texts fit where they are equal. */
async function rig(): Promise<Rig> {
  const folder = await Deno.makeTempDir({ prefix: "keystone-tls-" });
  const [cert, key] = [`${folder}/cert`, `${folder}/key`];
  const [taken, troubles]: string[][] = [[], []];
  const put = (file: string, text: string) => writePrivately(`${folder}/${file}`, text);
  await put("cert", "one");
  await put("key", "one");
  const take = () => {
    const [one, other] = [Deno.readTextFileSync(cert), Deno.readTextFileSync(key)];
    if (one !== other) throw new Error(`${one} and ${other} do not fit`);
    taken?.push(one);
  };
  const watch = new PairWatch([cert, key], { take, onTrouble: (reason) => troubles?.push(reason) });
  return {
    ...{ watch, taken: taken ?? [], troubles: troubles ?? [], put },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("PairWatch takes what has changed, and once", async () => {
  await using pair = await rig();
  pair.watch.look();
  assert.deepEqual(pair.taken, []);
  await pair.put("cert", "two");
  await pair.put("key", "two");
  pair.watch.look();
  pair.watch.look();
  assert.deepEqual([pair.taken, pair.troubles], [["two"], []]);
});

Deno.test("PairWatch waits for the second file, and says nothing of a pair that does not fit for a moment", async () => {
  await using pair = await rig();
  await pair.put("key", "two");
  pair.watch.look();
  await pair.put("cert", "two");
  pair.watch.look();
  assert.deepEqual([pair.taken, pair.troubles], [["two"], []]);
});

Deno.test("PairWatch tells once of a pair that still does not fit, and takes the next that does", async () => {
  await using pair = await rig();
  await pair.put("key", "two");
  for (let looks = 0; looks < 4; looks++) pair.watch.look();
  assert.deepEqual([pair.taken, pair.troubles], [[], ["one and two do not fit"]]);
  await pair.put("key", "three");
  for (let looks = 0; looks < 4; looks++) pair.watch.look();
  assert.deepEqual(pair.troubles, ["one and two do not fit", "one and three do not fit"]);
  await pair.put("cert", "three");
  pair.watch.look();
  pair.watch.look();
  assert.deepEqual([pair.taken, pair.troubles.length], [["three"], 2]);
});

Deno.test("PairWatch tries again where nothing has changed: what was in the way may be gone", async () => {
  const folder = await Deno.makeTempDir({ prefix: "keystone-tls-" });
  await Deno.writeTextFile(`${folder}/cert`, "one");
  let [full, tries] = [true, 0];
  const troubles: string[] = [];
  const take = () => {
    tries++;
    if (full) throw new Error("no file descriptor is left");
  };
  const watch = new PairWatch([`${folder}/cert`], { take, onTrouble: (reason) => troubles.push(reason) });
  await Deno.writeTextFile(`${folder}/cert`, "another");
  watch.look();
  watch.look();
  full = false;
  watch.look();
  watch.look();
  assert.deepEqual([tries, troubles], [3, ["no file descriptor is left"]]);
  await Deno.remove(folder, { recursive: true });
});
