import {
  type DeadLetter,
  type Envelope,
  type Journal,
  type JournalUnavailable,
  type Lifetime,
  type Outcome,
  type Reason,
} from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { about } from "../protocol/about.ts";
import type { Deliver } from "./deliver.ts";
import { written } from "./finish.ts";
import type { Conclude } from "./handle.ts";
import type { AckPolicy, Route, Target } from "./target.ts";

export interface FanOutOptions {
  readonly route: Route;
  readonly deliver: Deliver;
  readonly journal: Journal;
  /** What becomes of a message whose attempts are used up: back to the relay, or a dead letter here. */
  readonly onExhausted: "nack" | "dead_letter";
  /** The source takes nothing back: whatever a target has not got is a dead letter here. */
  readonly keepsAll: boolean;
  /** The journal could not be written. */
  readonly onJournalFailed: (error: JournalUnavailable) => void;
  readonly observe: Observe;
}

/** How long the relay is to keep a webhook without a target: it may give it out again at once. */
const unroutedDelayMs = 5_000;

/** Back to the relay, which gives the message out again. */
type Again = Extract<Outcome, { kind: "exhausted" | "deferred" | "abandoned" }>;

/** What became of a message at one target. A letter is undefined when it has been kept before. */
type AtTarget =
  | { readonly kind: "delivered" }
  | { readonly kind: "failed"; readonly reason: Reason; readonly letter: DeadLetter | undefined }
  | { readonly kind: "again"; readonly outcome: Again; readonly letter: DeadLetter };

/**
 * Delivers to all targets of a webhook id side by side, each with its own retries, and makes one outcome of
 * theirs. A target that is done with the message is not asked again when the message comes again for another.
 */
export function createFanOut(options: FanOutOptions): Conclude {
  const { route, deliver, journal, onExhausted, keepsAll, observe } = options;

  return async (envelope, life) => {
    const found = route(envelope.webhookId);
    if (!found) return { outcome: unrouted(envelope), deliveredTo: [], deadLetters: [] };
    const { targets, ack } = found;
    const settled = targets.length > 1 ? journal.settledTargets(envelope.id) : undefined;
    if (settled) tellRoute(envelope, targets.filter(({ name }) => !settled.has(name)));
    const asked = targets.map((target, i) =>
      atTarget(envelope, target, { settled, decides: ack !== "primary" || i === 0 }, life)
    );
    const [only] = asked;
    // One is the rule, and waiting for one costs less than waiting for all of one.
    const results = only && asked.length === 1
      ? [await only]
      : (await Promise.all(asked)).map((result, i) => unlessReplayed(envelope, result, targets[i]));
    const outcome = together(results, ack);
    const isFinal = outcome.kind === "delivered" || outcome.kind === "rejected";
    const deadLetters = results.flatMap((result) =>
      result.kind !== "delivered" && result.letter && (isFinal || result.kind === "failed")
        ? [result.letter]
        : []
    );
    const deliveredTo = targets.filter((_, i) => results[i]?.kind === "delivered")
      .map(({ name }) => name);
    return { outcome, deliveredTo, deadLetters };
  };

  async function atTarget(
    envelope: Envelope,
    target: Target,
    { settled, decides }: {
      /** How it ended at those that are done with it; undefined = it has no other target. */
      readonly settled: ReadonlyMap<string, "delivered" | Reason> | undefined;
      readonly decides: boolean;
    },
    life: Lifetime,
  ): Promise<AtTarget> {
    const before = settled?.get(target.name);
    if (before === "delivered") return { kind: "delivered" };
    if (before) return { kind: "failed", reason: before, letter: undefined };
    const { outcome, attempts, response } = await deliver(envelope, target, life);
    if (outcome.kind === "delivered") {
      // Known before the others are done: a crash until then must not bring it here again.
      if (settled) {
        await written(journal.deliveredTo(envelope.id, target.name), options.onJournalFailed);
      }
      return outcome;
    }
    const { reason } = outcome;
    const letter = { envelope, target: target.name, reason, attempts, response };
    const isOver = outcome.kind === "rejected" || keepsAll ||
      (outcome.kind === "exhausted" && onExhausted === "dead_letter") ||
      (!decides && isGivenUp(outcome));
    return isOver ? { kind: "failed", reason, letter } : { kind: "again", outcome, letter };
  }

  function tellRoute(envelope: Envelope, asked: readonly Target[]): void {
    if (asked.length === 0) return;
    observe({
      type: "delivery.routed",
      ...about(envelope),
      targets: asked.map(({ name }) => name),
    });
  }

  /** What a target had refused before a replay may have brought to it while the others were asked. */
  function unlessReplayed(
    envelope: Envelope,
    result: AtTarget,
    target: Target | undefined,
  ): AtTarget {
    if (result.kind !== "failed" || result.letter || !target) return result;
    const now = journal.settledTargets(envelope.id).get(target.name);
    return now === "delivered" ? { kind: now } : result;
  }

  function unrouted(envelope: Envelope): Outcome {
    const id = JSON.stringify(envelope.webhookId);
    const message = `no target is configured for the webhook id ${id}: ` +
      "add it to targets, or set default_target";
    const reason: Reason = { code: "no_target", message };
    const outcome = "exhausted";
    observe({ type: "delivery.failed", outcome, ...about(envelope), attempts: 0, reason });
    return { kind: outcome, reason, delayMs: unroutedDelayMs };
  }
}

/** Whether nothing more is to be expected of a target that does not count. One that is well and only busy is. */
function isGivenUp(outcome: Again): boolean {
  return outcome.kind === "exhausted" ||
    (outcome.kind === "deferred" && outcome.reason.code === "breaker_open");
}

/** What a target is still to have comes again in any case; then the policy decides. */
function together(results: readonly AtTarget[], ack: AckPolicy): Outcome {
  const deciding = ack === "primary" ? results.slice(0, 1) : results;
  const again = results.flatMap((result) => result.kind === "again" ? [result.outcome] : []);
  const isEnough = ack === "any" && results.some(({ kind }) => kind === "delivered");
  if (isEnough && again.every(isGivenUp)) return { kind: "delivered" };
  const [longest] = again.toSorted((a, b) => (b.delayMs ?? 0) - (a.delayMs ?? 0));
  if (longest) return comesAgain(again, longest);
  const failed = deciding.find((result) => result.kind === "failed");
  return failed ? { kind: "rejected", reason: failed.reason } : { kind: "delivered" };
}

/** It waits for all it is to have, and counts when an attempt at one of them does. */
function comesAgain(again: readonly Again[], longest: Again): Again {
  const { delayMs = 0 } = longest;
  const { reason } = again.find((one) => one.kind !== "exhausted") ?? longest;
  const isExhausted = again.some((one) => one.kind === "exhausted");
  const cutShort = again.filter((one) => one.kind === "abandoned");
  if (cutShort.length === 0) {
    return { kind: isExhausted ? "exhausted" : "deferred", reason, delayMs };
  }
  const attempted = isExhausted || cutShort.some((one) => one.attempted);
  return { kind: "abandoned", reason, attempted, ...(delayMs > 0 && { delayMs }) };
}
