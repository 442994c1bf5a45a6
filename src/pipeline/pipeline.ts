import { onAbort } from "../async/abort.ts";
import type { Budget } from "../async/budget.ts";
import type { Clock } from "../async/clock.ts";
import { TaskGroup } from "../async/task_group.ts";
import type { Lifetime, Outcome, Source } from "../flow.ts";
import type { Observe } from "../observe/events.ts";
import { about } from "../protocol/about.ts";
import { lagMs, sizeOf } from "../protocol/envelope.ts";
import { isHeaderField } from "../protocol/header_field.ts";
import { type Redact, withoutQuery } from "../protocol/redact.ts";
import { type Sample, withSpan } from "../protocol/trace_context.ts";
import type { Dedup } from "./dedup.ts";
import type { Handle } from "./handle.ts";
import type { GiveBack } from "./keep_here.ts";
import { payloadOf } from "./payload.ts";

export interface PipelineOptions {
  readonly source: Source;
  readonly dedup: Dedup;
  /** What may be in hand at a time. When it is full nothing is read from the source. */
  readonly budget: Budget;
  readonly handle: Handle;
  /** Of what came and could not be taken in hand before the end. */
  readonly giveBack: GiveBack;
  /** A message was cut short by the end, or not begun with: it went back to the source. */
  readonly onAbandoned: () => void;
  readonly clock: Clock;
  /** Which traces are recorded; undefined = none. */
  readonly sample: Sample | undefined;
  /** Tell of each new webhook what it is, without what this hides; undefined = do not. */
  readonly tellPayload: Redact | undefined;
  readonly observe: Observe;
}

const untaken: Outcome = {
  kind: "abandoned",
  attempted: false,
  reason: { code: "shutdown", message: "the connector is stopping" },
};

/**
 * Takes deliveries from the source, runs each beside the others, and settles it. Resolves when the source
 * has ended and nothing is in hand any more; rejects with what the source threw, or when a task failed on a bug.
 */
export async function runPipeline(options: PipelineOptions, life: Lifetime): Promise<void> {
  const { source, dedup, budget, handle, observe } = options;
  const crashed = new AbortController();
  const ends: Lifetime = {
    drain: AbortSignal.any([life.drain, crashed.signal]),
    abort: AbortSignal.any([life.abort, crashed.signal]),
  };
  const tasks = new TaskGroup(() => crashed.abort());
  // As long as these stay, those of the messages come and go without a listener of their own.
  const stay = [ends.drain, ends.abort].map((signal) => onAbort(signal, () => {}));

  try {
    await takeAll();
  } catch (error) {
    // Without a source nothing can be settled: what is in hand is left to the relay's leases.
    crashed.abort();
    throw error;
  } finally {
    await tasks.join();
    for (const leave of stay) leave();
  }

  async function takeAll(): Promise<void> {
    for await (const delivery of source(ends)) {
      const { headers, span } = withSpan(delivery.envelope.headers, options.sample);
      const envelope = span.spanId === undefined
        ? delivery.envelope
        : { ...delivery.envelope, headers };
      observe({
        type: "delivery.received",
        ...about(envelope),
        ...span,
        method: envelope.method,
        path: withoutQuery(envelope.path),
        bytes: envelope.body.byteLength,
        lagMs: lagMs(envelope, options.clock.now()),
      });
      if (!envelope.headers.every(isHeaderField)) {
        const strange = envelope.headers.filter((header) => !isHeaderField(header)).length;
        const problem = `${strange} headers that are none are not passed on`;
        observe({ type: "stream.frame_ignored", kind: "header", problem, ...about(envelope) });
      }
      const known = dedup.admit(delivery);
      if (known !== "new") {
        const how = known === "in_flight"
          ? { state: known } as const
          : { state: "finished", outcome: known } as const;
        observe({ type: "delivery.duplicate", ...about(envelope), ...how });
        continue;
      }
      if (options.tellPayload) {
        observe({
          type: "delivery.payload",
          ...about(envelope),
          ...payloadOf(envelope, options.tellPayload),
        });
      }
      const bytes = sizeOf(envelope);
      const isLate = ends.drain.aborted;
      const release = isLate ? undefined : budget.tryAcquire(bytes) ?? await roomFor(bytes);
      if (!release) {
        tasks.run(async () =>
          finish(envelope.id, await options.giveBack(envelope, untaken, ends.abort))
        );
        continue;
      }
      tasks.run(async () => {
        try {
          finish(envelope.id, await handle(envelope, ends));
        } finally {
          release();
        }
      });
    }
  }

  function finish(messageId: string, outcome: Outcome): void {
    if (outcome.kind === "abandoned") options.onAbandoned();
    dedup.finish(messageId, outcome);
  }

  /** Waits for room; undefined when the end comes first. */
  async function roomFor(bytes: number): Promise<(() => void) | undefined> {
    observe({ type: "stream.backpressure", on: true });
    try {
      return await budget.acquire(bytes, ends.drain);
    } catch {
      return undefined;
    } finally {
      observe({ type: "stream.backpressure", on: false });
    }
  }
}
