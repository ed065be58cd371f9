import assert from "node:assert/strict";
import { Chain, type LinkTo, linkTo } from "./chain.ts";

function chainOf(...names: string[]): { chain: Chain<LinkTo<string>>; links: LinkTo<string>[] } {
  const chain = new Chain<LinkTo<string>>();
  const links = names.map(linkTo);
  for (const link of links) chain.add(link);
  return { chain, links };
}

function namesOf(chain: Chain<LinkTo<string>>): string[] {
  return chain.all().map(({ value }) => value);
}

for (const left of ["a", "b", "c"]) {
  Deno.test(`Chain is left by "${left}" of a, b and c`, () => {
    const { chain, links } = chainOf("a", "b", "c");
    const link = links.find(({ value }) => value === left)!;
    assert.equal(chain.remove(link), true);
    assert.equal(chain.remove(link), false);
    const rest = ["a", "b", "c"].filter((name) => name !== left);
    assert.deepEqual([namesOf(chain), chain.size, chain.first?.value], [rest, 2, rest[0]]);
    assert.deepEqual([link.previous, link.next, link.linked], [undefined, undefined, false]);
    chain.add(link);
    assert.deepEqual(namesOf(chain), [...rest, left]);
  });
}

Deno.test("Chain makes a link that is added again the youngest", () => {
  const { chain, links: [first] } = chainOf("a", "b");
  chain.add(first!);
  assert.deepEqual([namesOf(chain), chain.size], [["b", "a"], 2]);
});

Deno.test("Chain can be emptied and filled again", () => {
  const { chain, links: [first, second] } = chainOf("a", "b");
  chain.clear();
  assert.deepEqual([namesOf(chain), chain.size, chain.first, first!.linked], [[], 0, undefined, false]);
  chain.add(second!);
  assert.deepEqual(namesOf(chain), ["b"]);
});
