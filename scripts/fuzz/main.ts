/**
 * Fuzzes every parser for a while: `deno task fuzz [--seconds 600] [--target NAME] [--seed N]`. What fails is made
 * small, printed, and kept in tests/fuzz/corpus/, where the ordinary tests try it again. Exits 1 when anything failed.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { corpusOf, keepInCorpus } from "../../tests/fuzz/corpus.ts";
import type { FuzzTarget } from "../../tests/fuzz/target.ts";
import { fuzzTargets } from "../../tests/fuzz/targets.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    target: { type: "string" },
    seed: { type: "string" },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const chosen = fuzzTargets.filter(({ name }) => name === (values.target ?? name));
if (chosen.length === 0 || !(seconds > 0) || !Number.isInteger(seed)) {
  const names = fuzzTargets.map(({ name }) => name).join(", ");
  console.error(`fuzz: --seconds N above 0, --seed N, --target one of ${names}`);
  process.exit(2);
}

let failures = 0;
for (const target of chosen) if (!fuzz(target)) failures++;
process.exitCode = failures === 0 ? 0 : 1;

/** True when nothing failed. */
function fuzz({ name, property }: FuzzTarget): boolean {
  const examples = corpusOf(name);
  const until = Date.now() + seconds * 1000;
  let inputs = 0;
  for (let round = seed;; round = (round + 1) % 2 ** 31) {
    const run = property(inputs === 0 ? examples : []).check({ seed: round, numRuns: 1_000 });
    inputs += run.numRuns;
    if (run.failed) {
      const input = run.counterexample?.[0];
      keepInCorpus(name, input);
      console.log(
        `${name}: FAILED after ${inputs} inputs, seed ${round}: ${JSON.stringify(input)}`,
      );
      console.log(String(run.errorInstance));
      return false;
    }
    if (Date.now() >= until) break;
  }
  console.log(`${name}: ${inputs} inputs in ${seconds} s from seed ${seed}: clean`);
  return true;
}
