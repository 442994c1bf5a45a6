/**
 * A connector that dies at any moment loses nothing, and doubles only what it could not have told anybody.
 *
 * What the target may see twice at one kill are messages in hand: never more than the relay gives out at a time.
 * In practice they are a few batches of `max_concurrent_requests`: those whose requests are open; those answered
 * that wait for the journal (their places are taken again by then); and, where the journal dies with the process,
 * those that wait for their acks to be written. `deno task soak` does the same with 50 rounds each.
 */
import assert from "node:assert/strict";
import { killRounds } from "../support/kill_rounds.ts";
import { tallyText } from "../support/journey.ts";
import { test } from "../support/test.ts";

const rounds = 12;
const messages = 500;
/** Defaults: of the connector, and of the channel. */
const maxConcurrentRequests = 10;
const maxInFlight = 100;

for (
  const [journal, doubled, batches] of [
    ["memory", "only what the relay had no ack for comes again", 3],
    ["sqlite", "only what the journal had no record of comes again", 2],
  ] as const
) {
  test(`[${journal}] kill -9 of the connector, ${rounds} times in mid-load: 0 lost, ${doubled}`, async (t) => {
    const tally = await killRounds(t, { rounds, messages, journal, seed: 5 });
    console.log(`${journal}: ${tallyText(tally)}, at most ${tally.mostAtRisk} at risk at a kill`);
    assert.equal(tally.sent, rounds * messages);
    assert.equal(tally.lost, 0);
    assert.equal(tally.acked, tally.sent);
    assert.equal(tally.unexcused, 0);
    assert.ok(tally.mostAtRisk <= maxInFlight, String(tally.mostAtRisk));
    assert.ok(tally.duplicates <= rounds * batches * maxConcurrentRequests);
  });
}
