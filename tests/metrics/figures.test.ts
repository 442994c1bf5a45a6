/** Our figures against prom-client's own metrics of the same values. */
import assert from "node:assert/strict";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { Figures } from "../../src/metrics/figures.ts";
import { test } from "../support/test.ts";

/** Both say the same, however often they are asked: none counts twice. */
async function assertSame(ours: Figures, theirs: Registry): Promise<void> {
  const text = await theirs.metrics();
  assert.equal(await ours.text(), text);
  assert.equal(await ours.text(), text);
}

test("counters and gauges, with labels and without", async () => {
  const [ours, registry] = [new Figures("x_"), new Registry()];
  const registers = [registry];
  const labelNames = ["target", "result"];
  const plain = ours.counter("plain_total", "Plain.");
  const theirPlain = new Counter({ name: "x_plain_total", help: "Plain.", registers });
  const labelled = ours.counter("labelled_total", "Labelled.", labelNames);
  const theirs = new Counter({
    name: "x_labelled_total",
    help: "Labelled.",
    labelNames,
    registers,
  });
  const level = ours.gauge("level", 'A "level"\n\\.');
  const theirLevel = new Gauge({ name: "x_level", help: 'A "level"\n\\.', registers });
  const levels = ours.gauge("levels", "Levels.", labelNames);
  const theirLevels = new Gauge({ name: "x_levels", help: "Levels.", labelNames, registers });
  await assertSame(ours, registry);
  plain.add(2);
  theirPlain.inc(2);
  for (
    const [by, target, result] of [
      [1, "a", "ok"],
      [1.5, "a", 'a "quoted"\\\none'],
      [0, "b,result:ok", ""],
      [1, "a", "ok"],
    ] as const
  ) {
    labelled.add(by, target, result);
    theirs.inc({ target, result }, by);
    levels.set(-by, target, result);
    theirLevels.set({ target, result }, -by);
  }
  level.set(NaN);
  theirLevel.set(NaN);
  await assertSame(ours, registry);
  level.set(-0.5);
  theirLevel.set(-0.5);
  plain.add(1);
  theirPlain.inc(1);
  await assertSame(ours, registry);
});

test("what is asked is read each time somebody looks", async () => {
  const figures = new Figures("x_");
  let depths: [number, string][] = [[1, "a"], [2, "b"]];
  figures.asked("gauge", "depth", "Depth.", ["channel"], () => depths);
  const lines = async () => (await figures.text()).split("\n").filter((line) => /^x/.test(line));
  assert.deepEqual(await lines(), ['x_depth{channel="a"} 1', 'x_depth{channel="b"} 2']);
  depths = [[3, "b"]];
  assert.deepEqual(await lines(), ['x_depth{channel="b"} 3']);
});

test("histograms, with a label and without", async () => {
  const [ours, registry] = [new Figures(""), new Registry()];
  const registers = [registry];
  const buckets = [0.5, 1, 2.5];
  const took = ours.histogram("took_seconds", "How long.", { buckets, label: "target" });
  const about = { name: "took_seconds", help: "How long.", buckets };
  const theirs = new Histogram({ ...about, labelNames: ["target"], registers });
  const all = ours.histogram("all_seconds", "All.", { buckets });
  const theirAll = new Histogram({ name: "all_seconds", help: "All.", buckets, registers });
  await assertSame(ours, registry);
  const random = seededRandom(1);
  const values = [0, 0.5, 1, 2.5, 2.500001, ...Array.from({ length: 500 }, () => 4 * random())];
  for (const value of values) {
    all.observe(value);
    theirAll.observe(value);
    for (const target of ["default", 'a "quoted" one']) {
      took.observe(value, target);
      theirs.observe({ target }, value);
    }
  }
  for (const value of [NaN, Infinity]) {
    assert.throws(() => took.observe(value, "default"), TypeError);
    assert.throws(() => theirs.observe({ target: "default" }, value), TypeError);
  }
  await assertSame(ours, registry);
});
