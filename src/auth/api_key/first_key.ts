/** The key that a first start makes, so that somebody can come in at all. */
import { realPathOf, writePrivately } from "../../files/private_file.ts";
import { readSecretFile } from "../../files/secret_file.ts";
import { type KeyEntry, keyFile } from "./key_file.ts";
import { digestOf, makeKey, parseKey } from "./key_text.ts";

const NAME = "first";

/** Where its text stands, since nobody is there to be shown it. */
export function firstKeyPath(keyPath: string): string {
  return `${realPathOf(keyPath).replace(/\.json$/, "")}.first`;
}

/** Makes one where there is no key; true where it has. Throws an Error that says why the file cannot be had. */
export async function ensureFirstKey(keyPath: string): Promise<boolean> {
  // Before anything is written: a folder that may only be read is enough for who has keys.
  if (keyFile.read(keyPath).length > 0) return false;
  let made = false;
  await keyFile.change(keyPath, async (keys) => {
    if (keys.length > 0) return keys;
    const { id, secret, text } = makeKey();
    // Before it counts: a key whose text is lost would be the first one for ever.
    await writePrivately(firstKeyPath(keyPath), `${text}\n`);
    made = true;
    return [{ id, name: NAME, digest: digestOf(secret), scopes: [], createdAt: new Date().toISOString() }];
  });
  return made;
}

/** The text of the first key and its entry; undefined where there is none. Throws an Error that says why it cannot be read. */
export function readFirstKey(keyPath: string): { text: string; entry: KeyEntry | undefined } | undefined {
  const read = readSecretFile(firstKeyPath(keyPath));
  if ("fault" in read) {
    if (read.fault === "there is no such file") return undefined;
    throw new Error(read.fault);
  }
  const text = read.text.trim();
  const id = parseKey(text)?.id;
  return { text, entry: keyFile.read(keyPath).find((entry) => entry.id === id) };
}
