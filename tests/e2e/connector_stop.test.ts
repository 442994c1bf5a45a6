/** A connector that is asked to stop finishes what it has begun, or says what it could not finish. */
import assert from "node:assert/strict";
import { startJourney, tallyText } from "../support/journey.ts";
import { stopRounds } from "../support/stop_rounds.ts";
import { test } from "../support/test.ts";

const rounds = 20;

test(`SIGTERM in mid-load, ${rounds} times: 0 lost, 0 duplicates, exit 0 each time`, async (t) => {
  const messages = 200;
  const tally = await stopRounds(t, { rounds, messages, seed: 7 });
  console.log(`SIGTERM: ${tallyText(tally)}`);
  const sent = rounds * messages;
  assert.deepEqual(tally, { sent, delivered: sent, acked: sent, duplicates: 0, lost: 0 });
});

test("SIGTERM with a hung target: exit 75 after the grace, what was answered is acked, the rest is NACKed, queued again, and the next connector delivers it", async (t) => {
  const messages = 50;
  const answered = 20;
  const hung = new Set<string>();
  let isHanging = true;
  const journey = await startJourney(t, {
    hold(id) {
      if (!isHanging || journey.target.requests.size <= answered) return undefined;
      hung.add(id);
      return new Promise(() => {}); // for as long as the socket lives
    },
  });
  const { acked, target } = journey;
  const grace = ["--journal", "memory", "--shutdown-grace-seconds", "0.3"];
  const first = await journey.connect([...grace, "--log-level", "debug"]);
  await journey.send(messages);
  for (const id of journey.sent) await first.line(new RegExp(`delivery\\.received.*${id}`));
  // The hung requests have taken all places; the others are in hand behind them.
  await journey.until(() => acked.size === answered && hung.size === 10, first);
  first.terminate();
  assert.equal(await journey.gone(first), 75, first.stderr.join("\n"));
  assert.equal(acked.size, answered);
  assert.equal(journey.nacked.size, messages - answered);
  assert.deepEqual(journey.queued, { waiting: messages - answered, dead: 0 });

  isHanging = false;
  const second = await journey.connect(grace);
  await journey.until(() => journey.isOver, second);
  second.terminate();
  assert.equal(await journey.gone(second), 0, second.stderr.join("\n"));
  const tally = journey.tally();
  console.log(`SIGTERM, hung target: ${tallyText(tally)}`);
  assert.deepEqual(tally, { ...tally, sent: messages, delivered: messages, lost: 0 });
  for (const [id, count] of target.requests) assert.equal(count, hung.has(id) ? 2 : 1, id);
  assert.deepEqual(journey.queued, { waiting: 0, dead: 0 });
});
