import assert from "node:assert/strict";
import fc from "fast-check";
import { Chain, type Linked } from "../../src/async/chain.ts";
import { test } from "../support/test.ts";

interface Named extends Linked {
  readonly name: string;
}

function named(name: string): Named {
  return { name, older: undefined, newer: undefined };
}

test("a chain has what was put into it and not taken out, the oldest first", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "remove", "shift"),
    name: fc.constantFrom("a", "b", "c", "d", "e"),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const links = new Map(["a", "b", "c", "d", "e"].map((name) => [name, named(name)]));
    const chain = new Chain<Named>();
    const plain = new Set<string>();
    for (const { kind, name } of steps) {
      const link = links.get(name)!;
      if (kind === "remove") {
        assert.equal(chain.remove(link), plain.delete(name));
      } else if (kind === "shift") {
        const [oldest] = plain;
        if (oldest !== undefined) plain.delete(oldest);
        assert.equal(chain.shift()?.name, oldest);
      } else if (!plain.has(name)) {
        plain.add(name);
        chain.add(link);
      }
      assert.deepEqual([...chain].map((one) => one.name), [...plain]);
      assert.equal(chain.size, plain.size);
      assert.equal(chain.oldest?.name, [...plain][0]);
      for (const one of links.values()) assert.equal(chain.has(one), plain.has(one.name));
    }
  }));
});

test("what was taken out leads to nothing that came after it: it would keep that in memory", () => {
  const chain = new Chain<Named>();
  const [first, second, third] = [named("first"), named("second"), named("third")];
  for (const link of [first, second, third]) chain.add(link);
  chain.remove(second);
  chain.shift();
  for (const link of [first, second]) {
    assert.equal(link.older, undefined);
    assert.equal(link.newer, undefined);
  }
});
