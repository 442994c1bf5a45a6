import assert from "node:assert/strict";
import type { Outcome } from "../../src/flow.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import { createFanOut } from "../../src/pipeline/fan_out.ts";
import type { Target } from "../../src/pipeline/target.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { envelopeWith } from "../support/message.ts";
import { test } from "../support/test.ts";

const reason = { code: "status", status: 503, message: "the target answered 503" } as const;
const exhausted = (delayMs: number): Outcome => ({ kind: "exhausted", reason, delayMs });
const deferred = (delayMs: number): Outcome => ({ kind: "deferred", reason, delayMs });
const cutShort = (attempted: boolean): Outcome => ({ kind: "abandoned", reason, attempted });
const delivered: Outcome = { kind: "delivered" };

const cases: [what: string, at: readonly Outcome[], comesTo: Outcome][] = [
  [
    "what one target says of when to come again holds although another one was not asked",
    [exhausted(60_000), deferred(5_000)],
    exhausted(60_000),
  ],
  [
    "what one target says of when to come again holds although the other one was cut short",
    [cutShort(false), deferred(5_000)],
    { kind: "abandoned", reason, attempted: false, delayMs: 5_000 },
  ],
  [
    "what was tried at one target counts although the other one was cut short before",
    [cutShort(false), exhausted(60_000)],
    { kind: "abandoned", reason, attempted: true, delayMs: 60_000 },
  ],
  [
    "what was cut short at both counts when one of them was tried",
    [cutShort(false), cutShort(true)],
    cutShort(true),
  ],
  [
    "the longer of two waits for breakers counts",
    [deferred(5_000), deferred(40_000)],
    deferred(40_000),
  ],
  [
    "that one has it is no attempt at the other",
    [delivered, deferred(5_000)],
    deferred(5_000),
  ],
];
for (const [what, outcomes, comesTo] of cases) {
  test(`several targets: ${what}`, async (t) => {
    const clock = new ManualClock();
    const limits = { maxLetters: 1, maxBytes: 1 };
    const open = openJournal({ folder: undefined, limits, clock, onDropped() {} });
    t.defer(() => open.close());
    const targets = outcomes.map((_, i) => ({ name: String(i) }) as Target);
    const fanOut = createFanOut({
      route: () => ({ targets, ack: "all" }),
      deliver: (_envelope, { name }) => {
        const outcome = outcomes[Number(name)] ?? delivered;
        return Promise.resolve({ outcome, attempts: 1, response: undefined });
      },
      journal: open.journal,
      ...{ onExhausted: "nack", keepsAll: false, onJournalFailed() {}, observe() {} },
    });
    const { signal } = new AbortController();
    const { outcome } = await fanOut(envelopeWith({ id: "a" }), { drain: signal, abort: signal });
    assert.deepEqual(outcome, comesTo);
  });
}
