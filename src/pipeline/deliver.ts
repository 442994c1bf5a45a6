import type { Random } from "../async/clock.ts";
import { delay } from "../async/delay.ts";
import type { Envelope, Lifetime, Outcome, Reason } from "../flow.ts";
import { about } from "../protocol/about.ts";
import { lagMs } from "../protocol/envelope.ts";
import type { Passage } from "./breaker.ts";
import { retryDelay } from "./retry_policy.ts";
import type { Target } from "./target.ts";
import { createTryOnce, type Tried, type TryOptions } from "./try_once.ts";

export interface DeliverOptions extends TryOptions {
  readonly random: Random;
}

/** How it ended at one target. */
export interface Ending {
  readonly outcome: Outcome;
  readonly attempts: number;
  /** The beginning of the target's last response, where it did not succeed. */
  readonly response: Uint8Array | undefined;
}

/** Brings one envelope to its end at one target. Never rejects. */
export type Deliver = (envelope: Envelope, target: Target, life: Lifetime) => Promise<Ending>;

const pass: Passage = { kind: "pass" };
const shutdown: Reason = { code: "shutdown", message: "the connector is stopping" };

/**
 * The retry loop. While the breaker is not closed nothing is held against a message: a probe uses up no attempt, and
 * what is given back counts for nothing. Waiting for a retry takes no place; on `drain` the attempts under way and the
 * first attempts still in line go on, waits are cut short and the message given back; on `abort` everything is.
 */
export function createDeliver(options: DeliverOptions): Deliver {
  const { random, clock, observe } = options;
  const tryOnce = createTryOnce(options);

  return async (envelope, target, life) => {
    const which = { ...about(envelope), target: target.name };
    const { breaker } = target;
    const startedAt = clock.monotonic();
    let usedUp = 0;
    for (let attempt = 1;; attempt++) {
      const isInLine = attempt === 1 && breaker.state === "closed";
      const stop = isInLine ? life.abort : life.drain;
      const mayPass = !stop.aborted && breaker.tryEnter();
      const passage = mayPass ? pass : await enter(target, stop);
      if (!passage) return failed(attempt - 1, abandoned(shutdown, isCounted()));
      if (passage.kind === "full") {
        const message = `the target ${target.name} is failing, and enough messages wait for it`;
        return deferred(attempt - 1, { code: "breaker_open", message }, passage.delayMs);
      }
      if (passage.kind === "retired") {
        const message = `a reload has changed the target ${target.name}`;
        return deferred(attempt - 1, { code: "target_changed", message }, 0);
      }
      const { turn } = breaker;
      if (breaker.state === "closed") usedUp++;
      const result = await tryOnce(envelope, target, attempt, life.abort);
      const request = result?.kind === "full" ? undefined : result?.request;
      breaker.record(verdictOn(result), turn, request);
      if (result?.kind === "full") {
        const message = `the target ${target.name} is slow, and enough messages wait for it`;
        return deferred(attempt - 1, { code: "target_busy", message }, result.delayMs);
      }
      if (!result) return failed(attempt - 1, abandoned(shutdown, isCounted()));
      switch (result.kind) {
        case "delivered":
          observe({
            type: "delivery.succeeded",
            ...which,
            attempts: attempt,
            status: result.status,
            durationMs: Math.round(clock.monotonic() - startedAt),
            lagMs: lagMs(envelope, clock.now()),
          });
          return ending(attempt, { kind: "delivered" });
        case "permanent":
          return failed(attempt, { kind: "rejected", reason: result.reason }, result.response);
        case "transient": {
          const { reason, response } = result;
          const delayMs = retryDelay(attempt, result, target.retry, random);
          const isFailing = breaker.state !== "closed";
          // The relay is asked to wait: it may give the message out again at once, and undo all the backing off.
          if (!isFailing && usedUp >= target.retry.maxAttempts) {
            return failed(attempt, { kind: "exhausted", reason, delayMs }, response);
          }
          if (isFailing && attempt >= target.retry.maxAttempts) {
            const message = `the target ${target.name} is failing: ${reason.message}`;
            const why: Reason = { ...reason, code: "breaker_open", message };
            return deferred(attempt, why, Math.max(delayMs, breaker.delayMs), response);
          }
          observe({ type: "delivery.retrying", ...which, attempt, reason, delayMs });
          if (!await hold(delayMs, life)) {
            return failed(attempt, abandoned(reason, isCounted()), response);
          }
        }
      }
    }

    /** Whether the relay is to count what is given back now. */
    function isCounted(): boolean {
      return usedUp > 0 && breaker.state === "closed";
    }

    /** Goes back to the relay until the target can take it. */
    function deferred(
      attempts: number,
      reason: Reason,
      delayMs: number,
      response?: Uint8Array,
    ): Ending {
      observe({ type: "delivery.deferred", ...which, reason, delayMs });
      return ending(attempts, { kind: "deferred", reason, delayMs }, response);
    }

    function failed(
      attempts: number,
      outcome: Exclude<Outcome, { kind: "delivered" | "deferred" }>,
      response?: Uint8Array,
    ): Ending {
      const { kind, reason } = outcome;
      observe({ type: "delivery.failed", outcome: kind, ...which, attempts, reason });
      return ending(attempts, outcome, response);
    }
  };

  /** Undefined when aborted. */
  async function enter({ breaker }: Target, abort: AbortSignal) {
    try {
      return await breaker.enter(abort);
    } catch (error) {
      if (abort.aborted) return undefined;
      throw error;
    }
  }

  /** False when the wait was cut short by the end of the connector. */
  async function hold(ms: number, life: Lifetime): Promise<boolean> {
    try {
      await delay(ms, { signal: life.drain, clock });
      return true;
    } catch {
      return false;
    }
  }
}

function verdictOn(result: Tried): "succeeded" | "failed" | "undecided" {
  if (!result || result.kind === "full") return "undecided";
  // A target that refuses one webhook for good is there and answers.
  const { request = { failed: result.kind === "transient" } } = result;
  return request.failed ? "failed" : "succeeded";
}

function ending(attempts: number, outcome: Outcome, response?: Uint8Array): Ending {
  return { outcome, attempts, response };
}

function abandoned(reason: Reason, attempted: boolean): Extract<Outcome, { kind: "abandoned" }> {
  return { kind: "abandoned", reason, attempted };
}
