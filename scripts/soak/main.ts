/**
 * The connector for longer than a test may take: killed and stopped round after round, and a million messages.
 *
 *   deno task soak [--messages 100000] [--rounds 50] [--seed N] [kill-memory kill-sqlite stop memory]
 *   bun scripts/soak/main.ts
 *
 * Prints one line of JSON for each run; on a terminal it tells how far it is meanwhile. Ends with 1 when
 * something does not hold.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { type TestContext, withCleanup } from "../../tests/support/cleanup.ts";
import type { Tally } from "../../tests/support/journey.ts";
import { killRounds } from "../../tests/support/kill_rounds.ts";
import { stopRounds } from "../../tests/support/stop_rounds.ts";
import { ceilingMib, memoryRun } from "./memory.ts";

/** What a channel of our relay gives out at a time: more cannot be in hand at a kill. */
const maxInFlight = 100;
const messagesPerRound = 500;
const maxStopRounds = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: "string", default: "100000" },
    rounds: { type: "string", default: "50" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
  },
});
const messages = Number(values.messages);
const rounds = Number(values.rounds);
const seed = Number(values.seed);
const isTerminal = process.stdout.isTTY === true;

const runs: Record<string, (t: TestContext) => Promise<Tally & { readonly holds: boolean }>> = {
  "kill-memory": (t) => kill(t, "memory"),
  "kill-sqlite": (t) => kill(t, "sqlite"),
  async stop(t) {
    const all = Math.min(rounds, maxStopRounds);
    const onRound = (round: number) => progress(`stop: ${round} of ${all}`);
    const tally = await stopRounds(t, { rounds: all, messages: messagesPerRound, seed, onRound });
    return { ...tally, holds: tally.duplicates === 0 && isComplete(tally) };
  },
  async memory(t) {
    const tally = await memoryRun(t, messages, progress);
    return { ...tally, holds: isComplete(tally) && tally.peakMib < ceilingMib };
  },
};

async function kill(t: TestContext, journal: "memory" | "sqlite") {
  const onRound = (round: number) => progress(`kill-${journal}: ${round} of ${rounds}`);
  const tally = await killRounds(t, { rounds, messages: messagesPerRound, journal, seed, onRound });
  const { unexcused, mostAtRisk } = tally;
  return { ...tally, holds: unexcused === 0 && mostAtRisk <= maxInFlight && isComplete(tally) };
}

function isComplete({ sent, delivered, acked, lost }: Tally): boolean {
  return lost === 0 && delivered === sent && acked === sent;
}

function progress(text: string): void {
  if (isTerminal) process.stdout.write(`\r\x1b[K${text}`);
}

const unknown = positionals.filter((name) => !Object.hasOwn(runs, name));
if (unknown.length > 0 || ![messages, rounds, seed].every(Number.isInteger)) {
  console.error(`usage: deno task soak [--messages N] [--rounds N] [--seed N] [RUN…]`);
  console.error(`runs: ${Object.keys(runs).join(", ")}`);
  process.exit(2);
}
let failed = 0;
const runtime = "Deno" in globalThis ? "deno" : "bun";
for (const [run, start] of Object.entries(runs)) {
  if (positionals.length > 0 && !positionals.includes(run)) continue;
  const startedAt = performance.now();
  const { holds, ...tally } = await withCleanup(start);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  if (!holds) failed++;
  progress("");
  console.log(JSON.stringify({ run, runtime, seed, seconds, ...tally, holds }));
}
// Not by itself: Deno keeps the timer of a WebSocket whose peer was killed for half a minute.
process.exit(failed === 0 ? 0 : 1);
