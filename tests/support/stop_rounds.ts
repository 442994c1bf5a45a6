import assert from "node:assert/strict";
import { seededRandom } from "../../src/async/seeded_random.ts";
import type { TestContext } from "./cleanup.ts";
import { startJourney, type Tally } from "./journey.ts";

export interface StopRounds {
  readonly rounds: number;
  /** Sent in each round, while the connector runs. */
  readonly messages: number;
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

/**
 * Stops the connector with SIGTERM at a random moment as the target sees it, again and again, while messages come;
 * each must end with 0. Then one delivers the rest. The journal is in memory: no later connector can make good
 * what an earlier one did not tell the relay.
 */
export async function stopRounds(
  t: TestContext,
  { rounds, messages, seed, onRound }: StopRounds,
): Promise<Tally> {
  const random = seededRandom(seed);
  const journey = await startJourney(t);
  const { target, sent, acked } = journey;
  for (let round = 0; round <= rounds; round++) {
    const isLast = round === rounds;
    const connector = await journey.connect(["--journal", "memory"]);
    const unseen = sent.size + messages - target.requests.size;
    const stopAt = journey.moments + 1 + Math.floor(random() * (2 * unseen - 1));
    const sending = isLast ? undefined : journey.send(messages);
    await journey.until(() => journey.isOver || (!isLast && journey.moments >= stopAt), connector);
    connector.terminate();
    assert.equal(await journey.gone(connector), 0, connector.stderr.join("\n"));
    // What the target got is settled: nothing of it is left to the relay.
    assert.equal(acked.size, target.requests.size);
    await sending;
    onRound?.(round + 1);
  }
  assert.deepEqual(journey.queued, { waiting: 0, dead: 0 });
  return journey.tally();
}
