import type { Clock } from "../async/clock.ts";
import { delay } from "../async/delay.ts";
import {
  type Conclusion,
  type Envelope,
  type Journal,
  JournalUnavailable,
  type Outcome,
  type Reason,
} from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { about } from "../protocol/about.ts";

/**
 * Writes down how a message ended, with its dead letters; resolves with the outcome that it has then. `abort` ends what has
 * to be waited for. Rejects only on a bug.
 */
export type Finish = (
  envelope: Envelope,
  conclusion: Conclusion,
  abort?: AbortSignal,
) => Promise<Outcome>;

export interface FinishOptions {
  readonly journal: Journal;
  /** The journal could not be written. */
  readonly onJournalFailed: (error: JournalUnavailable) => void;
  readonly observe: Observe;
  readonly clock: Clock;
  /** The source takes nothing back: a dead letter here is all there is of a message. */
  readonly keepsAll: boolean;
}

/** Between attempts to keep a dead letter that nobody else keeps, milliseconds. */
const againMs = 1_000;

/**
 * A journal that fails stops no delivery: the outcome stands, and is told. But what only a dead letter here would keep is
 * not let go of: it comes again from the relay, or is held until it can be written.
 */
export function createFinish(options: FinishOptions): Finish {
  const { journal, onJournalFailed, observe, clock, keepsAll } = options;

  return async (envelope, conclusion, abort) => {
    const { outcome, deadLetters } = conclusion;
    const write = () => written(journal.finish(envelope.id, conclusion), onJournalFailed);
    let kept = await write();
    while (!kept && keepsAll && deadLetters.length > 0 && abort && !abort.aborted) {
      await delay(againMs, { signal: abort, clock }).catch(() => {});
      kept = await write();
    }
    if (kept) {
      for (const { target, reason } of deadLetters) {
        observe({ type: "dead_letter.stored", ...about(envelope), target, reason });
      }
      return outcome;
    }
    const [letter] = deadLetters;
    if (letter && keepsAll) {
      onJournalFailed(
        new JournalUnavailable(`no dead letter of ${envelope.id} is kept: it is lost`),
      );
    }
    // Some targets have it, and the relay has a dead letter of what none has.
    return letter && outcome.kind === "delivered"
      ? { kind: "exhausted", reason: letter.reason, delayMs: againMs }
      : outcome;
  };
}

/** For a message that no target has been asked for: a dead letter for all of them. */
export function putAway(envelope: Envelope, reason: Reason): Conclusion {
  const letter = { envelope, target: "", reason, attempts: 0, response: undefined };
  return { outcome: { kind: "rejected", reason }, deliveredTo: [], deadLetters: [letter] };
}

/** False when the journal could not be written. */
export function written(
  writing: Promise<void>,
  onJournalFailed: (error: JournalUnavailable) => void,
): Promise<boolean> {
  return writing.then(() => true, (error) => {
    if (!(error instanceof JournalUnavailable)) throw error;
    onJournalFailed(error);
    return false;
  });
}
