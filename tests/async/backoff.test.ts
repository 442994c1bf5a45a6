import assert from "node:assert/strict";
import { backoffMs } from "../../src/async/backoff.ts";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { test } from "../support/test.ts";

const policy = { baseMs: 1_000, capMs: 60_000, multiplier: 2, floorMs: 100 };

test("requirement 9: delays are evenly spread between the floor and a ceiling that doubles up to the cap", () => {
  const random = seededRandom(9);
  for (
    const [attempt, ceiling] of [[0, 1_000], [1, 2_000], [4, 16_000], [6, 60_000], [
      5_000,
      60_000,
    ]] as const
  ) {
    const delays = Array.from({ length: 10_000 }, () => backoffMs(policy, attempt, random));
    assert.ok(Math.min(...delays) >= policy.floorMs);
    assert.ok(Math.max(...delays) <= ceiling);
    // Ten drawers of the same width hold about the same number.
    const drawers = new Array<number>(10).fill(0);
    for (const delay of delays) {
      const at = Math.floor((delay - policy.floorMs) / ((ceiling - policy.floorMs) / 10));
      drawers[Math.min(at, 9)] = (drawers[Math.min(at, 9)] ?? 0) + 1;
    }
    for (const held of drawers) assert.ok(held > 850 && held < 1_150, drawers.join(" "));
  }
});
