import type { Clock } from "../async/clock.ts";
import type { Attempt, Envelope } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { about } from "../protocol/about.ts";
import { type Sample, withSpan } from "../protocol/trace_context.ts";
import type { Admitted, Line } from "./line.ts";
import type { Admission, Target } from "./target.ts";

export interface TryOptions {
  readonly admission: Admission;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Which traces are recorded; undefined = none. */
  readonly sample: Sample | undefined;
}

/** What came of it; `full`: enough wait for a place already; undefined = it was aborted. */
export type Tried = Attempt | Extract<Admitted, { kind: "full" }> | undefined;

/** One attempt, which waits for its place at the target and tells how it went. Rejects only on a bug. */
export type TryOnce = (
  envelope: Envelope,
  target: Target,
  attempt: number,
  abort: AbortSignal,
) => Promise<Tried>;

export function createTryOnce(options: TryOptions): TryOnce {
  const { admission, clock, observe } = options;

  return async (envelope, target, attempt, abort) => {
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
  };

  async function waitFor(
    target: Target,
    line: Line | undefined,
    abort: AbortSignal,
  ): Promise<Admitted> {
    if (line) return await line.wait((signal) => admission.admit(target, signal), abort);
    return { kind: "in", leave: await admission.admit(target, abort) };
  }
}
