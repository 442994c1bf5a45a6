import type { Semaphore } from "../async/semaphore.ts";
import type { RetrySettings } from "../config/settings.ts";
import type { Sink } from "../flow.ts";
import type { Breaker } from "./breaker.ts";
import type { Line } from "./line.ts";

/** Where webhooks go: a sink and the limits that hold for it. */
export interface Target {
  readonly name: string;
  readonly sink: Sink;
  readonly retry: RetrySettings;
  /** Undefined = the sink asks for a place itself, one for each request. */
  readonly places: Semaphore | undefined;
  readonly breaker: Breaker;
  /** Those that wait for a place; undefined = everybody may: there is no other target to be kept out, or no way back. */
  readonly line: Line | undefined;
}

/**
 * When a webhook with several targets counts as delivered: `all` have it, `any` one has it, or the first
 * (`primary`) has it, whatever becomes of the others.
 */
export type AckPolicy = "all" | "any" | "primary";

/** Where the webhooks of one id go; at least one target. */
export interface Routed {
  readonly targets: readonly Target[];
  readonly ack: AckPolicy;
}

/** The targets for a webhook id, or undefined when none is configured. */
export type Route = (webhookId: string) => Routed | undefined;

/** Lets attempts through: first a place at the target, then one of all, so that a slow target holds only its own. */
export interface Admission {
  /** A place, if there is one; the result gives it back. */
  tryAdmit(target: Pick<Target, "places">): (() => void) | undefined;
  /** Waits for a place. Rejects with the signal's reason. */
  admit(target: Pick<Target, "places">, signal: AbortSignal): Promise<() => void>;
  /** Attempts that were let through and are not over, of the target whose places these are. */
  underWay(places: Semaphore): number;
}

export function createAdmission(all: Semaphore): Admission {
  const both = (one: () => void, other: () => void) => () => {
    one();
    other();
  };
  /** Those that have a place at their target and wait for one of all. */
  const halfway = new WeakMap<Semaphore, number>();
  const count = (places: Semaphore, by: 1 | -1) =>
    halfway.set(places, (halfway.get(places) ?? 0) + by);
  return {
    tryAdmit({ places }) {
      if (!places) return () => {};
      const leaveTarget = places.tryAcquire();
      const leaveAll = leaveTarget && all.tryAcquire();
      if (leaveAll) return both(leaveAll, leaveTarget);
      leaveTarget?.();
      return undefined;
    },
    async admit({ places }, signal) {
      if (!places) return () => {};
      const leaveTarget = await places.acquire(signal);
      count(places, 1);
      try {
        return both(await all.acquire(signal), leaveTarget);
      } catch (error) {
        leaveTarget();
        throw error;
      } finally {
        count(places, -1);
      }
    },
    underWay: (places) => places.held - (halfway.get(places) ?? 0),
  };
}
