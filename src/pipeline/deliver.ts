import type { Clock, Random } from "../async/clock.ts";
import { delay } from "../async/delay.ts";
import type { Attempt, Envelope, Lifetime, Outcome, Reason } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { about } from "../protocol/about.ts";
import { lagMs } from "../protocol/envelope.ts";
import { type Sample, withSpan } from "../protocol/trace_context.ts";
import type { Passage } from "./breaker.ts";
import type { Admitted, Line } from "./line.ts";
import { retryDelay } from "./retry_policy.ts";
import type { Admission, Target } from "./target.ts";

export interface DeliverOptions {
  readonly admission: Admission;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
  /** Which traces are recorded; undefined = none. */
  readonly sample: Sample | undefined;
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
  const { admission, random, clock, observe } = options;

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

  /** Undefined when aborted. */
  async function tryOnce(
    envelope: Envelope,
    target: Target,
    attempt: number,
    abort: AbortSignal,
  ): Promise<Attempt | Extract<Admitted, { kind: "full" }> | undefined> {
    let leave: (() => void) | undefined;
    try {
      if (abort.aborted) return undefined;
      leave = admission.tryAdmit(target);
      if (!leave) {
        // Only who was not tried yet may be turned away: the others are few, and are expected back.
        const admitted = await waitFor(target, attempt === 1 ? target.line : undefined, abort);
        if (admitted.kind === "full") return admitted;
        leave = admitted.leave;
      }
      const startedAt = clock.monotonic();
      const { headers, span } = withSpan(envelope.headers, options.sample);
      const sent = span.spanId === undefined ? envelope : { ...envelope, headers };
      const result = await target.sink.send(sent, attempt, abort);
      observe({
        type: "delivery.attempted",
        ...about(envelope),
        ...span,
        target: target.name,
        attempt,
        result: result.kind,
        durationMs: Math.round(clock.monotonic() - startedAt),
        ...(result.kind === "delivered" ? { status: result.status } : { reason: result.reason }),
        ...(result.request && { request: result.request }),
      });
      return result;
    } catch (error) {
      if (abort.aborted) return undefined;
      throw error;
    } finally {
      leave?.();
    }
  }

  async function waitFor(
    target: Target,
    line: Line | undefined,
    abort: AbortSignal,
  ): Promise<Admitted> {
    if (line) return await line.wait((signal) => admission.admit(target, signal), abort);
    return { kind: "in", leave: await admission.admit(target, abort) };
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

function verdictOn(
  result: Attempt | Extract<Admitted, { kind: "full" }> | undefined,
): "succeeded" | "failed" | "undecided" {
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
