/** The last messages and the last minutes of a connector, folded from its events. */
import type { Clock } from "../async/clock.ts";
import { AgedMap } from "../async/aged_map.ts";
import { PerSecond } from "../async/per_second.ts";
import type { ConnectorEvent, Observe } from "./events.ts";
import { bucketOf, latencyBuckets, percentile } from "./latency.ts";
import { type MessageEvent, newRecord, withEvent } from "./message_record.ts";
import type { RecentMessage, Series } from "./picture.ts";

export interface RecentFold {
  readonly observe: Observe;
  /** The newest first. */
  messages(): readonly RecentMessage[];
  message(messageId: string): RecentMessage | undefined;
  /** What the relay had waiting when it was connected to last, where it told. */
  readonly waiting: number | undefined;
  /** The last five minutes; `stepSeconds` divides them. */
  series(stepSeconds?: number): Series;
}

const maxMessages = 200;
const seriesSeconds = 300;
/** So many events of a message are kept as they are. */
const maxHeard = 20;

/** An event, and what was heard before it. */
interface Heard {
  readonly event: MessageEvent;
  readonly at: number;
  readonly before: Heard | undefined;
}

/** A message: what its events came to, and those that came since. */
interface Entry {
  record: RecentMessage | undefined;
  heard: Heard | undefined;
  count: number;
  version: number;
}

/** Bounded, and cheap for each event, which is kept as it is: what takes time is done when somebody looks. */
export function foldRecent(clock: Clock): RecentFold {
  const entries = new AgedMap<Entry>();
  const outcomes = new PerSecond(seriesSeconds, 2, clock);
  const latency = new PerSecond(seriesSeconds, latencyBuckets, clock);
  let version = 0;
  let waiting: number | undefined;

  function observe(event: ConnectorEvent): void {
    switch (event.type) {
      case "delivery.received": {
        const known = entries.get(event.messageId);
        if (known) entries.set(event.messageId, known); // The newest again.
        hear(known ?? begin(event), event);
        break;
      }
      case "delivery.attempted":
        latency.add(bucketOf(event.durationMs));
        if (event.result !== "delivered") outcomes.add(1);
        hear(entryOf(event), event);
        break;
      case "delivery.succeeded":
        outcomes.add(0);
        hear(entryOf(event), event);
        break;
      case "stream.connected":
        waiting = event.waiting?.messages;
        break;
      case "delivery.retrying":
      case "delivery.failed":
      case "delivery.deferred":
      case "dead_letter.stored":
        hear(entryOf(event), event);
        break;
      case "dead_letter.replayed":
      case "settlement.confirmed": {
        const entry = entries.get(event.messageId);
        if (entry) hear(entry, event);
        break;
      }
    }
  }

  function entryOf(event: MessageEvent): Entry {
    return entries.get(event.messageId) ?? begin(event);
  }

  function begin({ messageId }: MessageEvent): Entry {
    const entry: Entry = { record: undefined, heard: undefined, count: 0, version: 0 };
    entries.set(messageId, entry);
    entries.forgetOldest(maxMessages);
    return entry;
  }

  function hear(entry: Entry, event: MessageEvent): void {
    entry.heard = { event, at: clock.now(), before: entry.heard };
    entry.version = ++version;
    if (++entry.count > maxHeard) recordOf(entry);
  }

  return {
    observe,
    messages: () => [...entries.values()].reverse().map(recordOf),
    message(messageId) {
      const entry = entries.get(messageId);
      return entry && recordOf(entry);
    },
    get waiting() {
      return waiting;
    },
    series(stepSeconds = 1) {
      const counts = outcomes.steps(stepSeconds);
      const durations = latency.steps(stepSeconds);
      return {
        stepSeconds,
        delivered: counts.map(([delivered = 0]) => delivered / stepSeconds),
        failed: counts.map(([, failed = 0]) => failed / stepSeconds),
        p50: durations.map((row) => percentile(row, 0.5)),
        p95: durations.map((row) => percentile(row, 0.95)),
      };
    },
  };
}

/** What its events came to up to now. */
function recordOf(entry: Entry): RecentMessage {
  if (!entry.heard && entry.record) return entry.record;
  const heard: Heard[] = [];
  for (let one = entry.heard; one; one = one.before) heard.push(one);
  for (const { event, at } of heard.reverse()) {
    entry.record = withEvent(entry.record ?? newRecord(event, at), event, at);
  }
  entry.heard = undefined;
  entry.count = 0;
  // Whoever has an entry has told it something.
  return entry.record = { ...entry.record!, version: entry.version };
}
