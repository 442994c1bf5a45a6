/**
 * What it takes to look through the JSON of a large webhook, in WebAssembly and byte by byte: to find its end, to write it
 * compact where a relay writes spaces, and to take the escapes out of it where it comes as a string. Turn about in one
 * process, the median of several rounds. The bytes are in the caches all the time, as those of a connector are not, and
 * each time a copy of them is made, as they are written over.
 *
 *   deno task bench [--on bun] large_json
 */
import process from "node:process";
import { compactPlainly } from "../../src/protocol/compact_json.ts";
import { endPlainly } from "../../src/protocol/json_end.ts";
import { unescapePlainly } from "../../src/protocol/json_escapes.ts";
import { compactLarge, endOfLarge, unescapeLarge } from "../../src/protocol/large_json.ts";
import { payloadOf, spaced } from "./tools/payload.ts";
import { report } from "./tools/report.ts";
import { ownRuntime } from "./tools/runtimes.ts";
import { median } from "./tools/statistics.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Look = (bytes: Bytes) => unknown;

const sizes = [1_500, 100_000];
const rounds = 9;
/** Bytes of one measurement. */
const roundBytes = 64 * 1024 * 1024;

const encoder = new TextEncoder();
const asString = (json: string) => encoder.encode(JSON.stringify(json).slice(1, -1));
const cases: readonly (readonly [string, (json: string) => Bytes, large: Look, plain: Look])[] = [
  [
    "its end",
    (json) => encoder.encode(json),
    (bytes) => endOfLarge(bytes, 0),
    (bytes) => endPlainly(bytes, 0),
  ],
  [
    "compact",
    (json) => encoder.encode(spaced(json)),
    (bytes) => compactLarge(bytes, 0),
    (bytes) => compactPlainly(bytes),
  ],
  ["without escapes", asString, unescapeLarge, unescapePlainly],
];

/** Microseconds for each. */
function cost(look: Look, bytes: Bytes): number {
  const times = Math.ceil(roundBytes / bytes.length);
  const work = new Uint8Array(bytes.length);
  const start = performance.now();
  for (let n = 0; n < times; n++) {
    work.set(bytes);
    look(work);
  }
  return (performance.now() - start) * 1e3 / times;
}

const rows: Record<string, string>[] = [];
for (const size of sizes) {
  for (const [what, written, large, plain] of cases) {
    const bytes = written(payloadOf(size));
    const costs = Array.from(
      { length: rounds },
      () => [cost(large, bytes), cost(plain, bytes)] as const,
    );
    rows.push({
      what: `${what}, ${size} B`,
      "WebAssembly µs": median(costs.map(([us]) => us)).toFixed(2),
      "byte by byte µs": median(costs.map(([, us]) => us)).toFixed(2),
      ratio: median(costs.map(([ours, theirs]) => theirs / ours)).toFixed(2),
    });
  }
}
report("large_json", ownRuntime, rows, rows);
process.exit();
