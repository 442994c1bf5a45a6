import { Semaphore } from "../async/semaphore.ts";
import type { RetrySettings } from "../config/settings.ts";
import type { Sink } from "../flow.ts";

/** Where webhooks go: a sink and the limits that hold for it. */
export interface Target {
  readonly name: string;
  readonly sink: Sink;
  readonly retry: RetrySettings;
  /** Undefined = the sink asks for a place itself, one for each request. */
  readonly places: Semaphore | undefined;
}

export function createTarget(
  name: string,
  sink: Sink,
  retry: RetrySettings,
  maxConcurrentRequests: number,
): Target {
  return { name, sink, retry, places: new Semaphore(maxConcurrentRequests) };
}

/** The target for a webhook id, or undefined when none is configured. */
export type Route = (webhookId: string) => Target | undefined;

/** Lets attempts through: first a place at the target, then one of all, so that a slow target holds only its own. */
export type Admission = (
  target: Pick<Target, "places">,
  signal: AbortSignal,
) => Promise<() => void>;

export function createAdmission(all: Semaphore): Admission {
  return async ({ places }, signal) => {
    if (!places) return () => {};
    const leaveTarget = await places.acquire(signal);
    try {
      const leaveAll = await all.acquire(signal);
      return () => {
        leaveAll();
        leaveTarget();
      };
    } catch (error) {
      leaveTarget();
      throw error;
    }
  };
}
