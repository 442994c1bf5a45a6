/** A connector in this process that other settings may replace by another, as in the real program. */
import type { Clock } from "../../src/async/clock.ts";
import { systemClock } from "../../src/async/clock.ts";
import { type RunningConnector, runningConnector } from "../../src/cli/running_connector.ts";
import type { Settings } from "../../src/config/settings.ts";
import { createConnector } from "../../src/connector.ts";
import { openJournal } from "../../src/journal/open_journal.ts";
import type { ConnectorEvent } from "../../src/observe/events.ts";
import { Pause } from "../../src/source/pause.ts";
import type { TestContext } from "./cleanup.ts";

export interface ReplaceableConnector {
  readonly running: RunningConnector;
  readonly events: readonly ConnectorEvent[];
}

/** `pauseClock`: by which a pause ends. `onMake` is called before each connector is made, and may throw. */
export function startReplaceableConnector(
  t: TestContext,
  first: Settings,
  { pauseClock = systemClock, onMake = () => {} }: {
    readonly pauseClock?: Clock;
    readonly onMake?: () => void;
  } = {},
): ReplaceableConnector {
  const events: ConnectorEvent[] = [];
  const observe = (event: ConnectorEvent) => void events.push(event);
  const pause = new Pause(pauseClock, observe);
  const running = runningConnector(first, pause, (settings) => {
    onMake();
    const limits = settings.deadLetters;
    const clock = systemClock;
    const open = openJournal({ folder: undefined, limits, clock, onDropped: () => {} });
    const options = { journal: open, clock, random: Math.random, observe, pause };
    const connector = createConnector(settings, options);
    return { connector, journal: { open, place: "memory", degraded: undefined } };
  });
  const stop = new AbortController();
  const ended = running.run({ drain: stop.signal, abort: stop.signal });
  t.defer(async () => {
    stop.abort();
    await ended.catch(() => {});
    running.close();
  });
  return { running, events };
}
