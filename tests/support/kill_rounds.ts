import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { seededRandom } from "../../src/async/seeded_random.ts";
import type { TestContext } from "./cleanup.ts";
import { startJourney, type Tally } from "./journey.ts";

export interface KillRounds {
  readonly rounds: number;
  /** Sent in each round, while the connector runs. */
  readonly messages: number;
  readonly journal: "memory" | "sqlite";
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

export interface KillTally extends Tally {
  /** Duplicates of messages that were settled when the connector was killed: acked, or in its SQLite journal. */
  readonly unexcused: number;
  /** The most messages at one kill that the target had got and that were not settled. */
  readonly mostAtRisk: number;
}

/**
 * Kills the connector at a random moment as the target sees it (a request has come, an answer is written), again
 * and again, while messages come; then one connector delivers the rest. The kill may come at any step within.
 */
export async function killRounds(
  t: TestContext,
  { rounds, messages, journal, seed, onRound }: KillRounds,
): Promise<KillTally> {
  const random = seededRandom(seed);
  const folder = t.folder();
  const cameThisRound = new Set<string>();
  const atRisk = new Set<string>();
  let unexcused = 0;
  let mostAtRisk = 0;
  const journey = await startJourney(t, {
    onArrived(id) {
      cameThisRound.add(id);
      const isFirst = journey.target.requests.get(id) === 1;
      if (!isFirst && !atRisk.delete(id)) unexcused++;
    },
  });
  const { target, sent, acked } = journey;
  const start = () =>
    journey.connect([
      ...["--journal", journal === "memory" ? "memory" : `sqlite:${folder}`],
      // Three short rounds in a row are, to the guard, a message that kills the connector.
      ...["--poison-after", "0"],
    ]);

  for (let round = 0; round < rounds; round++) {
    const connector = await start();
    const unseen = sent.size + messages - target.requests.size;
    const killAt = journey.moments + 1 + Math.floor(random() * (2 * unseen - 1));
    const sending = journey.send(messages);
    // What was lost never comes: then the round is over without its moment.
    await journey.until(() => journey.moments >= killAt || journey.isOver, connector);
    connector.kill();
    await journey.gone(connector);
    const settled = journal === "memory" ? acked : finishedIn(folder);
    const atThisKill = [...cameThisRound].filter((id) => !settled.has(id));
    for (const id of atThisKill) atRisk.add(id);
    mostAtRisk = Math.max(mostAtRisk, atThisKill.length);
    cameThisRound.clear();
    await sending;
    onRound?.(round + 1);
  }
  const last = await start();
  await journey.until(() => journey.isOver, last);
  last.terminate();
  assert.equal(await journey.gone(last), 0, last.stderr.join("\n"));
  assert.deepEqual(journey.queued, { waiting: 0, dead: 0 });
  return { ...journey.tally(), unexcused, mostAtRisk };
}

/** What the journal of a connector that is dead has written down, read from a copy: the crash is for its heir to mend. */
function finishedIn(folder: string): ReadonlySet<string> {
  const copy = mkdtempSync(join(tmpdir(), "journal-copy-"));
  try {
    for (const file of ["journal.db", "journal.db-wal"]) {
      if (existsSync(join(folder, file))) copyFileSync(join(folder, file), join(copy, file));
    }
    const db = new DatabaseSync(join(copy, "journal.db"));
    try {
      return new Set(db.prepare("SELECT id FROM finished").all().map(({ id }) => String(id)));
    } finally {
      db.close();
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
}
