/**
 * Ten thousand connectors lose their relay in the same moment, and it is away for a while: when each of them knocks, by
 * the delays a connector really takes (source/reconnect_delay.ts), in a time of our own. The picture has a bar for each
 * second; from the moment the relay is back whoever knocks is in.
 *
 *   deno task bench storm
 */
import process from "node:process";
import { seededRandom } from "../../src/async/seeded_random.ts";
import { loadSettings } from "../../src/config/load.ts";
import { reconnectDelayMs } from "../../src/source/reconnect_delay.ts";
import { backoffOf } from "../../src/way_to_relay.ts";
import { report } from "./tools/report.ts";

const connectors = 10_000;
const outages = [1, 10, 60];
const barWidth = 60;
/** A jitter-free connector would come with all the others; shown are so many seconds from the relay's return. */
const shownSeconds = 12;

const { settings } = loadSettings({
  file: undefined,
  env: {},
  flags: { cloud_url: "https://relay.example", channel: "c", token: "t", target_url: "http://x/" },
});
const backoff = backoffOf(settings.source);
const random = seededRandom(1);
const rows: Record<string, string>[] = [];
for (const outage of outages) {
  /** Knocks by second. */
  const knocks: number[] = [];
  let last = 0;
  for (let n = 0; n < connectors; n++) {
    let at = 0;
    for (let attempt = 0; at < outage * 1000; attempt++) {
      at += reconnectDelayMs(undefined, attempt, backoff, random);
      const second = Math.floor(at / 1000);
      knocks[second] = (knocks[second] ?? 0) + 1;
    }
    last = Math.max(last, at);
  }
  const each = Array.from(knocks, (count) => count ?? 0);
  const most = Math.max(...each);
  const back = each.slice(outage, outage + shownSeconds);
  console.log(`away for ${outage} s: knocks in each second from its return`);
  back.forEach((count, i) =>
    console.log(
      `  +${String(i).padStart(2)} s ${String(count).padStart(6)} ${
        "#".repeat(Math.round(count / connectors * barWidth))
      }`,
    )
  );
  rows.push({
    "away for": `${outage} s`,
    "most in a second, on its return": String(Math.max(...back)),
    "most in a second at all": String(most),
    "last one back after": `${(last / 1000 - outage).toFixed(1)} s`,
  });
}
report("storm", process.argv.slice(2).join(" "), rows, rows);
