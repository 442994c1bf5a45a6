import type { Clock } from "../async/clock.ts";
import type { ConnectorEvent, Observe } from "./events.ts";

/**
 * Whether it comes with every webhook, or every one for several targets. Anything else is looked at when it happens, with
 * what came before it.
 */
function isFrequent({ type }: ConnectorEvent): boolean {
  switch (type) {
    case "delivery.received":
    case "delivery.routed":
    case "delivery.attempted":
    case "delivery.succeeded":
    case "settlement.confirmed":
      return true;
    default:
      return false;
  }
}

/** So long such an event may wait, milliseconds, and with so many others. */
const maxWaitMs = 20;
const maxWaiting = 1_000;

/** Events that wait, a column for each thing about them; what is beyond `count` is of an earlier time. */
interface Batch {
  readonly events: (ConnectorEvent | undefined)[];
  readonly times: Float64Array;
  /** Whose each of them is. */
  readonly lookers: (readonly Looks[] | undefined)[];
  count: number;
}

function newBatch(): Batch {
  return {
    events: new Array(maxWaiting).fill(undefined),
    times: new Float64Array(maxWaiting),
    lookers: new Array(maxWaiting).fill(undefined),
    count: 0,
  };
}

/** Those that look, one after the other. More may join them. */
export type Looks = readonly Observe[];

export interface Gathering {
  /** What is told to the result is looked at by all of these. */
  observedBy(...looks: readonly Looks[]): Observe;
  /**
   * For those who look: while they do, the time at which the event happened; the monotonic one by how long that is ago,
   * which is nothing for what did not wait.
   */
  readonly clock: Clock;
  /** Whoever reads what was made of the events asks for it first. */
  flush(): void;
}

/**
 * Has events looked at some at a time, by one look after the other: that costs less than all looks at each event as it
 * comes between the deliveries (docs/BENCHMARKS.md, "What looking costs"). Each look sees its events in order.
 */
export function gatherEvents(clock: Clock): Gathering {
  let batch = newBatch();
  /** One that was looked at: to make its columns anew each time costs more than to write them. */
  let spare: Batch | undefined;
  let happenedAt: number | undefined;
  let cancel = () => {};

  function flush(): void {
    cancel();
    if (batch.count === 0) return;
    const { events, times, lookers, count } = batch;
    const looked = batch;
    batch = spare ?? newBatch();
    spare = undefined; // whoever looks may have something to tell
    try {
      for (let start = 0, end = 0; start < count; start = end) {
        while (end < count && lookers[end] === lookers[start]) end++;
        for (const look of lookers[start]?.flat() ?? []) {
          for (let i = start; i < end; i++) {
            happenedAt = times[i];
            look(events[i] as ConnectorEvent);
          }
        }
      }
    } finally {
      happenedAt = undefined;
      looked.count = 0;
      spare = looked;
    }
  }

  return {
    observedBy: (...looks) => (event) => {
      const at = batch.count++;
      batch.events[at] = event;
      batch.times[at] = clock.now();
      batch.lookers[at] = looks;
      if (!isFrequent(event) || at + 1 === maxWaiting) flush();
      else if (at === 0) cancel = clock.after(maxWaitMs, flush);
    },
    clock: {
      now: () => happenedAt ?? clock.now(),
      monotonic: () =>
        clock.monotonic() - (happenedAt === undefined ? 0 : clock.now() - happenedAt),
      after: (ms, callback) => clock.after(ms, callback),
    },
    flush,
  };
}
