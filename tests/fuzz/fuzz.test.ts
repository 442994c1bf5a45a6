/** Each parser against inputs that failed once, and a few hundred new ones. `deno task fuzz` goes on for long. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "../support/test.ts";
import { corpusOf } from "./corpus.ts";
import { fuzzTargets } from "./targets.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
console.log(`fuzz: FUZZ_SEED=${seed}`);

for (const { name, property } of fuzzTargets) {
  const examples = corpusOf(name);
  test(`fuzz: ${name}: ${examples.length} kept and 300 new inputs`, () => {
    const run = property(examples).check({ seed, numRuns: examples.length + 300 });
    assert.ok(
      !run.failed,
      `seed ${run.seed}: ${JSON.stringify(run.counterexample)}: ${run.errorInstance}`,
    );
  });
}
