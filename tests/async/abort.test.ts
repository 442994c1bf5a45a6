import assert from "node:assert/strict";
import { type Cancel, Cancellation, onAbort } from "../../src/async/abort.ts";
import { createTimeouts } from "../../src/async/timeouts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { test } from "../support/test.ts";

/** Both kinds, with what aborts them. */
const kinds: Readonly<Record<string, () => [signal: Cancel, abort: (reason: unknown) => void]>> = {
  "an AbortSignal"() {
    const controller = new AbortController();
    return [controller.signal, (reason) => controller.abort(reason)];
  },
  "a Cancellation"() {
    const cancellation = new Cancellation();
    return [cancellation, (reason) => cancellation.abort(reason)];
  },
};

for (const [kind, make] of Object.entries(kinds)) {
  test(`${kind} calls those that wait in order, once, and with its first reason`, () => {
    const [signal, abort] = make();
    const called: string[] = [];
    const forgets = ["a", "b", "c"].map((name) => onAbort(signal, () => called.push(name)));
    forgets[1]?.();
    assert.equal(signal.aborted, false);
    abort("enough");
    abort("again");
    assert.deepEqual([called, signal.aborted, signal.reason], [["a", "c"], true, "enough"]);
    for (const forget of forgets) forget();
  });

  test(`${kind} that is aborted calls at once`, () => {
    const [signal, abort] = make();
    abort("enough");
    const called: unknown[] = [];
    onAbort(signal, () => called.push(signal.reason))();
    assert.deepEqual(called, ["enough"]);
  });

  test(`who waits for ${kind} may stop waiting while others are called`, () => {
    const [signal, abort] = make();
    const called: string[] = [];
    onAbort(signal, () => {
      called.push("first");
      forgetSecond();
    });
    const forgetSecond = onAbort(signal, () => called.push("second"));
    onAbort(signal, () => called.push("third"));
    abort("enough");
    assert.deepEqual(called, ["first", "third"]);
  });

  test(`a timeout under ${kind} ends with its own time or with its parent, and only once`, async () => {
    const clock = new ManualClock();
    const timeouts = createTimeouts(1_000, () => "late", clock);
    const [parent, abort] = make();
    const cleared = timeouts.start(parent);
    await clock.advance(500);
    const cut = timeouts.start(parent);
    cleared.clear();
    await clock.advance(500);
    assert.equal(cleared.signal.aborted, false);
    abort("the end");
    await clock.advance(1_000);
    assert.deepEqual([cut.signal.reason, cleared.signal.aborted], ["the end", false]);
    const late = timeouts.start(new Cancellation());
    await clock.advance(1_000);
    assert.equal(late.signal.reason, "late");
    for (const one of [cut, late]) one.clear();
    assert.equal(clock.pending, 0);
  });
}
