/**
 * To find what is oldest in a map that gets one entry and loses one, over and over, as what remembers the last messages
 * does: the first key of a `Map`, `AgedMap`, and an `IdTable` with a `PlaceOrder`. Each in turn, five times over; medians.
 *
 *   deno task bench oldest
 *   deno task bench --on bun oldest
 */
import process from "node:process";
import { AgedMap } from "../../src/async/aged_map.ts";
import { IdTable } from "../../src/async/id_table.ts";
import { PlaceOrder } from "../../src/async/place_order.ts";
import { report } from "./tools/report.ts";
import { ownRuntime } from "./tools/runtimes.ts";
import { median } from "./tools/statistics.ts";

const rounds = 5;
const turns = 100_000;
const sizes = [200, 10_000, 100_000];

interface Subject {
  set(key: string): void;
  forgetOldest(): void;
}

function plain(size: number): Subject {
  const map = new Map<string, number>();
  return {
    set: (key) => void map.set(key, 0),
    forgetOldest() {
      for (const key of map.keys()) {
        if (map.size <= size) return;
        map.delete(key);
      }
    },
  };
}

function aged(size: number): Subject {
  const map = new AgedMap<number>();
  return { set: (key) => map.set(key, 0), forgetOldest: () => map.forgetOldest(size) };
}

function table(size: number): Subject {
  const ids = new IdTable();
  const order = new PlaceOrder();
  return {
    set: (key) => order.add(ids.add(key)),
    forgetOldest() {
      while (order.size > size) {
        const { oldest } = order;
        order.remove(oldest);
        ids.remove(oldest);
      }
    },
  };
}

function nanoseconds(subject: Subject, round: number): number {
  const startedAt = performance.now();
  for (let n = 0; n < turns; n++) {
    subject.set(`message-${round}-${n}`);
    subject.forgetOldest();
  }
  return (performance.now() - startedAt) * 1e6 / turns;
}

const rows: Record<string, string>[] = [];
for (const size of sizes) {
  const subjects = { plain: plain(size), aged: aged(size), table: table(size) };
  const names = ["plain", "aged", "table"] as const;
  const times = { plain: [] as number[], aged: [] as number[], table: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const took = nanoseconds(subjects[name], round);
      if (round > 0) times[name].push(took); // the first fills it
    }
  }
  const [slow, aging, placed] = names.map((name) => median(times[name])) as [
    number,
    number,
    number,
  ];
  rows.push({
    entries: String(size),
    "Map ns": slow.toFixed(0),
    "AgedMap ns": aging.toFixed(0),
    "times faster": (slow / aging).toFixed(1),
    "IdTable ns": placed.toFixed(0),
    "so many times": (slow / placed).toFixed(1),
  });
}
report("oldest", ownRuntime, rows, rows);
process.exit();
