import type { Conclusion, Envelope, Lifetime, Outcome } from "../flow.ts";
import { about } from "../protocol/about.ts";
import { type Finish, type FinishOptions, putAway, written } from "./finish.ts";

/** Brings one message to its end; its outcome may be told to the relay then. Rejects only on a bug. */
export type Handle = (envelope: Envelope, life: Lifetime) => Promise<Outcome>;

/** Brings one message to its end at all its targets. Never rejects. */
export type Conclude = (envelope: Envelope, life: Lifetime) => Promise<Conclusion>;

export interface HandleOptions extends FinishOptions {
  readonly conclude: Conclude;
  readonly finish: Finish;
  /** A message that was in hand at so many crashes is put away untried; 0 = never. */
  readonly poisonAfter: number;
}

/**
 * Writes down what must not be forgotten: that a message is in hand, before the first attempt; how it ended and
 * its dead letters, before the relay hears of it. A journal that fails stops no delivery: what was delivered is
 * still acknowledged, what was rejected still goes to the relay's dead letters.
 */
export function createHandle(options: HandleOptions): Handle {
  const { conclude, finish, journal, poisonAfter, observe } = options;

  return async (envelope, life) => {
    if (isPoison(envelope)) return await finish(envelope, quarantine(envelope), life.abort);
    await written(journal.begin(envelope.id), options.onJournalFailed);
    return await finish(envelope, await conclude(envelope, life), life.abort);
  };

  function isPoison({ id }: Envelope): boolean {
    return poisonAfter > 0 && journal.crashesOf(id) >= poisonAfter;
  }

  function quarantine(envelope: Envelope): Conclusion {
    const reason = {
      code: "poison",
      message: `the connector crashed ${journal.crashesOf(envelope.id)} times with it in hand`,
    } as const;
    observe({
      type: "delivery.failed",
      outcome: "rejected",
      ...about(envelope),
      attempts: 0,
      reason,
    });
    return putAway(envelope, reason);
  }
}
