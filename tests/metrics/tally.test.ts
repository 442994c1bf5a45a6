import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { tally } from "../../src/metrics/tally.ts";
import { test } from "../support/test.ts";

async function linesOf(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split("\n").filter((line) => line !== "" && line[0] !== "#");
}

test("a count for each set of labels, told each time somebody looks, none twice", async () => {
  const registry = new Registry();
  const registers = [registry];
  const plain = tally({ name: "plain_total", help: "Plain.", registers });
  const labelNames = ["target", "result"];
  const labelled = tally({ name: "labelled_total", help: "Labelled.", labelNames, registers });
  assert.deepEqual(await linesOf(registry), ["plain_total 0"]);
  plain.add(2);
  labelled.add(1, "a", "ok");
  labelled.add(1, "a", "failed");
  labelled.add(0, "b,result:ok", "");
  labelled.add(1, "a", "ok");
  const lines = [
    "plain_total 2",
    'labelled_total{target="a",result="ok"} 2',
    'labelled_total{target="a",result="failed"} 1',
    'labelled_total{target="b,result:ok",result=""} 0',
  ];
  assert.deepEqual(await linesOf(registry), lines);
  assert.deepEqual(await linesOf(registry), lines);
  plain.add(1);
  assert.equal((await linesOf(registry))[0], "plain_total 3");
});
