import type { Clock } from "../async/clock.ts";
import type { TracingOptions } from "./tracing.ts";

/** Spans that a collector did not take, of those in an answer that says that all is well. */
export interface Rejected {
  readonly message: string;
  readonly spans: number;
}

export interface SpanAccount {
  /** Whether one more span may be given to who batches them for the exporter; one that may not counts as lost. */
  takes(): boolean;
  /** So many do not wait any more: they are on their way. */
  sent(spans: number): void;
  /** What became of so many that were. */
  answered(spans: number, error: Error | undefined, rejected: Rejected | undefined): void;
  /** Tells of what is left: nobody waits for it any more. */
  close(): void;
}

/** What finds no room is told of so long after the first of it, in one word. */
const foldMs = 1_000;

/**
 * Keeps account of every span between `record` and the collector's answer, and tells of those that are lost. The
 * processor of the SDK drops in silence what it has no room for.
 */
export function spanAccount(
  { maxWaiting, onFailed, clock }: {
    /** Spans that wait to be exported. */
    readonly maxWaiting: number;
    readonly onFailed: TracingOptions["onFailed"];
    readonly clock: Clock;
  },
): SpanAccount {
  let waiting = 0;
  let underWay = 0;
  let withoutRoom = 0;
  let isClosed = false;
  let cancel = () => {};

  function tellWithoutRoom(): void {
    cancel();
    const spans = withoutRoom;
    withoutRoom = 0;
    if (spans === 0) return;
    const why = `the collector is slow: ${maxWaiting} spans wait (OTEL_BSP_MAX_QUEUE_SIZE)`;
    onFailed(why, spans);
  }

  return {
    takes() {
      if (waiting >= maxWaiting) {
        if (withoutRoom++ === 0) cancel = clock.after(foldMs, tellWithoutRoom);
        return false;
      }
      waiting++;
      return true;
    },
    sent(spans) {
      waiting -= spans;
      underWay += spans;
    },
    answered(spans, error, rejected) {
      if (isClosed) return;
      underWay -= spans;
      if (error) onFailed(error.message, spans);
      else if (rejected) onFailed(rejected.message, rejected.spans);
    },
    close() {
      isClosed = true;
      tellWithoutRoom();
      const left = waiting + underWay;
      if (left > 0) onFailed("the collector did not answer until the end", left);
    },
  };
}
