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

/** Writes down how a message ended, with its dead letters; resolves with the outcome. Rejects only on a bug. */
export type Finish = (envelope: Envelope, conclusion: Conclusion) => Promise<Outcome>;

export interface FinishOptions {
  readonly journal: Journal;
  /** The journal could not be written. */
  readonly onJournalFailed: (error: JournalUnavailable) => void;
  readonly observe: Observe;
}

/** A journal that fails stops nothing: the outcome stands, and is told. */
export function createFinish({ journal, onJournalFailed, observe }: FinishOptions): Finish {
  return async (envelope, conclusion) => {
    const { outcome, deadLetters } = conclusion;
    const kept = await written(journal.finish(envelope.id, conclusion), onJournalFailed);
    for (const { target, reason } of kept ? deadLetters : []) {
      observe({ type: "dead_letter.stored", ...about(envelope), target, reason });
    }
    return outcome;
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
