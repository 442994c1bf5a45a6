import type { Clock, Random } from "../async/clock.ts";
import { delay } from "../async/delay.ts";
import type { Attempt, Envelope, Lifetime, Outcome, Reason } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { afterTransient } from "./retry_policy.ts";
import type { Admission, Route, Target } from "./target.ts";

export interface DeliverOptions {
  readonly route: Route;
  readonly admit: Admission;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
}

/** Brings one envelope to its end. Never rejects. */
export type Deliver = (envelope: Envelope, life: Lifetime) => Promise<Outcome>;

/** A webhook without a target is held this long before it goes back: a relay may give it out again at once. */
const unroutedHoldMs = 5_000;

const shutdown: Reason = { code: "shutdown", message: "the connector is stopping" };

/**
 * The retry loop. Waiting for a retry takes no place; on `drain` the attempts under way and the first
 * attempts still in line go on, waits are cut short and the message given back; on `abort` everything is.
 */
export function createDeliver(options: DeliverOptions): Deliver {
  const { route, random, clock, observe } = options;

  return async (envelope, life) => {
    const startedAt = clock.now();
    const target = route(envelope.webhookId);
    if (!target) {
      const message = `no target is configured for the webhook id ` +
        `${JSON.stringify(envelope.webhookId)}: add it to targets, or set default_target`;
      const reason: Reason = { code: "no_target", message };
      failed(envelope, undefined, 0, { kind: "exhausted", reason });
      await hold(unroutedHoldMs, life);
      return { kind: "exhausted", reason };
    }
    for (let attempt = 1;; attempt++) {
      const result = await tryOnce(envelope, target, attempt, life.abort);
      if (!result) return failed(envelope, target, attempt - 1, abandoned(shutdown));
      switch (result.kind) {
        case "delivered":
          observe({
            type: "delivery.succeeded",
            messageId: envelope.id,
            webhookId: envelope.webhookId,
            target: target.name,
            attempts: attempt,
            status: result.status,
            durationMs: clock.now() - startedAt,
            lagMs: lagMs(envelope, clock.now()),
          });
          return { kind: "delivered" };
        case "permanent":
          return failed(envelope, target, attempt, { kind: "rejected", reason: result.reason });
        case "transient": {
          const { reason } = result;
          const decision = afterTransient(attempt, result, target.retry, random);
          if (decision.kind === "give_up") {
            failed(envelope, target, attempt, { kind: "exhausted", reason });
            // Otherwise a relay that gives it out again at once would undo all the backing off.
            await hold(decision.delayMs, life);
            return { kind: "exhausted", reason };
          }
          observe({
            type: "delivery.retrying",
            messageId: envelope.id,
            webhookId: envelope.webhookId,
            target: target.name,
            attempt,
            reason,
            delayMs: decision.delayMs,
          });
          if (!await hold(decision.delayMs, life)) {
            return failed(envelope, target, attempt, abandoned(reason));
          }
        }
      }
    }
  };

  /** Undefined when aborted. */
  async function tryOnce(
    envelope: Envelope,
    target: Target,
    attempt: number,
    abort: AbortSignal,
  ): Promise<Attempt | undefined> {
    let leave: (() => void) | undefined;
    try {
      leave = await options.admit(target, abort);
      const startedAt = clock.now();
      const result = await target.sink.send(envelope, attempt, abort);
      observe({
        type: "delivery.attempted",
        messageId: envelope.id,
        webhookId: envelope.webhookId,
        target: target.name,
        attempt,
        result: result.kind,
        durationMs: clock.now() - startedAt,
        ...(result.kind === "delivered" ? { status: result.status } : { reason: result.reason }),
      });
      return result;
    } catch (error) {
      if (abort.aborted) return undefined;
      throw error;
    } finally {
      leave?.();
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

  function failed(
    envelope: Envelope,
    target: Target | undefined,
    attempts: number,
    outcome: Exclude<Outcome, { kind: "delivered" }>,
  ): Outcome {
    observe({
      type: "delivery.failed",
      outcome: outcome.kind,
      messageId: envelope.id,
      webhookId: envelope.webhookId,
      ...(target && { target: target.name }),
      attempts,
      reason: outcome.reason,
    });
    return outcome;
  }
}

function abandoned(reason: Reason): Extract<Outcome, { kind: "abandoned" }> {
  return { kind: "abandoned", reason };
}

/** Time since the relay received it, 0 where it does not tell. */
export function lagMs(envelope: Envelope, nowMs: number): number {
  const receivedAt = Date.parse(envelope.receivedAt);
  return Number.isNaN(receivedAt) ? 0 : Math.max(0, nowMs - receivedAt);
}
