import assert from "node:assert/strict";
import { Histogram, Registry } from "prom-client";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { histogram } from "../../src/metrics/histogram.ts";
import { test } from "../support/test.ts";

test("a fast histogram says what prom-client's own says of the same values", async () => {
  const about = { name: "took_seconds", help: "How long.", buckets: [0.5, 1, 2.5] };
  const [ours, theirs] = [new Registry(), new Registry()];
  const fast = histogram({ ...about, label: "target", registers: [ours] });
  const slow = new Histogram({ ...about, labelNames: ["target"], registers: [theirs] });
  assert.equal(await ours.metrics(), await theirs.metrics());
  const random = seededRandom(1);
  for (
    const value of [
      0,
      0.5,
      1,
      2.5,
      2.500001,
      ...Array.from({ length: 500 }, () => 4 * random()),
    ]
  ) {
    for (const target of ["default", 'a "quoted" one']) {
      fast.observe(target, value);
      slow.observe({ target }, value);
    }
  }
  for (const value of [NaN, Infinity]) {
    assert.throws(() => fast.observe("default", value), TypeError);
    assert.throws(() => slow.observe({ target: "default" }, value), TypeError);
  }
  const text = await ours.metrics();
  assert.equal(text, await theirs.metrics());
  assert.equal(await ours.metrics(), text, "none counts twice");
});
