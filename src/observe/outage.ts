import type { Clock } from "../async/clock.ts";
import type { ConnectorEvent, Observe } from "./events.ts";

export interface OutageFold {
  readonly observe: Observe;
  /** Milliseconds without a stream since the start, but for those of a pause: that is no outage. */
  readonly totalMs: number;
}

/** Begins without a stream. */
export function foldOutage(clock: Clock): OutageFold {
  let state = { isConnected: false, isPaused: false };
  let since: number | undefined = clock.monotonic();
  let beforeMs = 0;
  const totalMs = () => beforeMs + (since === undefined ? 0 : clock.monotonic() - since);

  function becomes(news: Partial<typeof state>): void {
    beforeMs = totalMs();
    state = { ...state, ...news };
    since = state.isConnected || state.isPaused ? undefined : clock.monotonic();
  }

  function observe(event: ConnectorEvent): void {
    switch (event.type) {
      case "stream.connected":
        return becomes({ isConnected: true });
      case "stream.disconnected":
        return becomes({ isConnected: false });
      case "connector.paused":
        return becomes({ isPaused: true });
      case "connector.resumed":
        return becomes({ isPaused: false });
    }
  }

  return {
    observe,
    get totalMs() {
      return totalMs();
    },
  };
}
