import assert from "node:assert/strict";
import fc from "fast-check";
import { AgedMap } from "../../src/async/aged_map.ts";
import { test } from "../support/test.ts";

/** What it is held against: a Map that is set anew for each change. */
class Plain {
  readonly map = new Map<string, number>();
  set(key: string, value: number) {
    this.map.delete(key);
    this.map.set(key, value);
  }
}

test("an aged map has what was put into it, the oldest first, whatever is taken out and put in again", () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("set" as const), key, value: fc.nat(9) }),
    fc.record({ kind: fc.constant("delete" as const), key }),
    fc.record({ kind: fc.constant("forget" as const), max: fc.nat(4), over: fc.nat(9) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const aged = new AgedMap<number>();
    const plain = new Plain();
    for (const one of steps) {
      if (one.kind === "set") {
        aged.set(one.key, one.value);
        plain.set(one.key, one.value);
      } else if (one.kind === "delete") {
        assert.equal(aged.delete(one.key), plain.map.delete(one.key));
      } else {
        const forgotten: string[] = [];
        for (const [oldest, value] of plain.map) {
          if (plain.map.size <= one.max && value >= one.over) break;
          plain.map.delete(oldest);
          forgotten.push(oldest);
        }
        assert.deepEqual(aged.forgetOldest(one.max, (value) => value < one.over), forgotten);
      }
      assert.equal(aged.size, plain.map.size);
      assert.deepEqual([...aged.values()], [...plain.map.values()]);
      assert.equal(aged.oldestKey, [...plain.map.keys()][0]);
      for (const name of "abcde") assert.equal(aged.get(name), plain.map.get(name));
    }
  }));
});
