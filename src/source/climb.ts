import type { Clock } from "../async/clock.ts";
import type { TransportChoice } from "../flow.ts";
import { type OpenStream, openStream, type OpenStreamOptions } from "./open_stream.ts";

/** Between tries at the most, milliseconds, unless more is asked for. */
const longestWaitMs = 3_600_000;

export interface ClimbOptions extends OpenStreamOptions {
  readonly transports: TransportChoice;
  /** Between tries, milliseconds; doubled after each that failed, up to an hour. */
  readonly fallbackRetryMs: number;
  readonly clock: Clock;
}

/**
 * While a lesser transport carries the stream, tries the better ones now and then. The one that opens is
 * handed to `onOpened` before the old is given up: there is no gap. The result ends the trying.
 */
export function climb(
  options: ClimbOptions,
  stop: AbortSignal,
  onOpened: (stream: OpenStream) => void,
): () => void {
  const { transports, clock } = options;
  if (transports.better.length === 0) return () => {};
  const over = new AbortController();
  const either = AbortSignal.any([stop, over.signal]);
  let waitMs = options.fallbackRetryMs;
  let cancel = clock.after(waitMs, tryBetter);

  function tryBetter(): void {
    void firstThatOpens().then((stream) => {
      if (stream && !either.aborted) return onOpened(stream);
      void stream?.close();
      if (either.aborted) return;
      waitMs = Math.max(options.fallbackRetryMs, Math.min(waitMs * 2, longestWaitMs));
      cancel = clock.after(waitMs, tryBetter);
    });
  }

  async function firstThatOpens(): Promise<OpenStream | undefined> {
    for (const transport of transports.better) {
      if (either.aborted) return undefined;
      try {
        // Only `stop` may end what was opened: it is to outlive the stream it replaces.
        return await openStream(transport, options, stop);
      } catch {
        // Still blocked: the stream we have goes on.
      }
    }
    return undefined;
  }

  return () => {
    over.abort();
    cancel();
  };
}
