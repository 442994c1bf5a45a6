import type { Clock } from "../../async/clock.ts";
import { PerSecond } from "../../async/per_second.ts";
import type { ObserveRelay } from "../relay_events.ts";

export interface RelayRates {
  readonly observe: ObserveRelay;
  /** A second, in steps, over the last five minutes; the oldest first. */
  steps(stepSeconds: number): {
    readonly received: readonly number[];
    readonly delivered: readonly number[];
    readonly givenBack: readonly number[];
  };
}

/** What came in and went out, folded from the relay's events. */
export function foldRelayRates(clock: Clock): RelayRates {
  const counts = new PerSecond(300, 3, clock);
  return {
    observe(event) {
      switch (event.type) {
        case "relay.ingested":
          return counts.add(0);
        case "relay.acked":
          return counts.add(1);
        case "relay.nacked":
          return counts.add(2);
      }
    },
    steps(stepSeconds) {
      const rows = counts.steps(stepSeconds);
      const rate = (kind: number) => rows.map((row) => (row[kind] ?? 0) / stepSeconds);
      return { received: rate(0), delivered: rate(1), givenBack: rate(2) };
    },
  };
}
