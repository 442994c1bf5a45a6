import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import type { Clock } from "../async/clock.ts";
import type { TracingOptions } from "./tracing.ts";

export interface SpanAccount {
  /** Whether one more span may be given to who batches them for the exporter; one that may not counts as lost. */
  takes(): boolean;
  readonly exporter: SpanExporter;
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
  exporter: SpanExporter,
  { maxWaiting, rejectedIn, onFailed, clock }: {
    /** Spans that wait to be exported. */
    readonly maxWaiting: number;
    /** What the collector says to have rejected in the answer that has just come. */
    readonly rejectedIn: () => { readonly message: string; readonly spans: number } | undefined;
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

  function answered(spans: readonly ReadableSpan[], error: Error | undefined): void {
    const rejected = rejectedIn();
    if (isClosed) return;
    underWay -= spans.length;
    if (error) onFailed(error.message, spans.length);
    else if (rejected) onFailed(rejected.message, rejected.spans);
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
    exporter: {
      export(spans, done) {
        waiting -= spans.length;
        underWay += spans.length;
        exporter.export(spans, (result) => {
          answered(spans, result.error);
          done(result);
        });
      },
      shutdown: () => exporter.shutdown(),
      forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    },
    close() {
      isClosed = true;
      tellWithoutRoom();
      const left = waiting + underWay;
      if (left > 0) onFailed("the collector did not answer until the end", left);
    },
  };
}
