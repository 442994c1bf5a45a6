import type { Clock } from "../async/clock.ts";
import type { ConnectorEvent, Observe } from "./events.ts";

/**
 * Those that come with every webhook, or every one for several targets. Anything else is looked at when it happens, with
 * what came before it.
 */
const frequent: ReadonlySet<ConnectorEvent["type"]> = new Set([
  "delivery.received",
  "delivery.routed",
  "delivery.attempted",
  "delivery.succeeded",
  "settlement.confirmed",
]);

/** So long such an event may wait, milliseconds, and with so many others. */
const maxWaitMs = 20;
const maxWaiting = 1_000;

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
  let events: ConnectorEvent[] = [];
  let times: number[] = [];
  /** Whose each of them is. */
  let lookers: (readonly Looks[])[] = [];
  let happenedAt: number | undefined;
  let cancel = () => {};

  function flush(): void {
    cancel();
    if (events.length === 0) return;
    const now = events;
    const then = times;
    const whose = lookers;
    events = [];
    times = [];
    lookers = [];
    try {
      for (let start = 0, end = 0; start < now.length; start = end) {
        while (end < now.length && whose[end] === whose[start]) end++;
        for (const look of whose[start]?.flat() ?? []) {
          for (let i = start; i < end; i++) {
            happenedAt = then[i];
            look(now[i] as ConnectorEvent);
          }
        }
      }
    } finally {
      happenedAt = undefined;
    }
  }

  return {
    observedBy: (...looks) => (event) => {
      events.push(event);
      times.push(clock.now());
      lookers.push(looks);
      if (!frequent.has(event.type) || events.length >= maxWaiting) flush();
      else if (events.length === 1) cancel = clock.after(maxWaitMs, flush);
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
