/** The last messages and the last minutes of a connector, folded from its events. */
import type { Clock } from "../async/clock.ts";
import { Chain, type Linked } from "../async/chain.ts";
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

/** A message: what its events came to, and those that came since. Serves one message after the other. */
class Entry implements Linked {
  messageId = "";
  record: RecentMessage | undefined;
  version = 0;
  /** What it was before it came for the last time. */
  #before: RecentMessage | undefined;
  older: this | undefined;
  newer: this | undefined;
  readonly #heard: (MessageEvent | undefined)[] = new Array(maxHeard).fill(undefined);
  readonly #at = new Float64Array(maxHeard);
  #count = 0;

  begin(messageId: string): void {
    this.messageId = messageId;
    this.record = undefined;
    this.#before = undefined;
    this.#count = 0;
  }

  hear(event: MessageEvent, at: number): void {
    if (this.#count === maxHeard) this.fold();
    this.#heard[this.#count] = event;
    this.#at[this.#count++] = at;
  }

  /** What its events came to up to now. */
  fold(): RecentMessage {
    for (let i = 0; i < this.#count; i++) {
      const event = this.#heard[i]!;
      const at = this.#at[i]!;
      const record = this.record ?? newRecord(event, at);
      if (event.type === "delivery.received") this.#before = record;
      this.record = withEvent(record, event, at, this.#before);
    }
    const hasNews = this.#count > 0;
    this.#count = 0;
    // Whoever has an entry has told it something.
    return hasNews ? this.record = { ...this.record!, version: this.version } : this.record!;
  }
}

/** Bounded, and cheap for each event, which is kept as it is: what takes time is done when somebody looks. */
export function foldRecent(clock: Clock): RecentFold {
  const entries = new Map<string, Entry>();
  const order = new Chain<Entry>();
  const outcomes = new PerSecond(seriesSeconds, 2, clock);
  const latency = new PerSecond(seriesSeconds, latencyBuckets, clock);
  let version = 0;
  let waiting: number | undefined;

  function observe(event: ConnectorEvent): void {
    switch (event.type) {
      case "delivery.received": {
        const known = entries.get(event.messageId);
        if (known && order.remove(known)) order.add(known); // The newest again.
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
      case "delivery.routed":
      case "delivery.retrying":
      case "delivery.failed":
      case "delivery.deferred":
      case "dead_letter.stored":
        hear(entryOf(event), event);
        break;
      case "delivery.duplicate":
      case "dead_letter.forgotten":
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

  /** With the oldest one's entry, once there are enough. */
  function begin({ messageId }: MessageEvent): Entry {
    const free = order.size < maxMessages ? undefined : order.shift();
    if (free) entries.delete(free.messageId);
    const entry = free ?? new Entry();
    entry.begin(messageId);
    entries.set(messageId, entry);
    order.add(entry);
    return entry;
  }

  function hear(entry: Entry, event: MessageEvent): void {
    entry.hear(event, clock.now());
    entry.version = ++version;
  }

  return {
    observe,
    messages: () => [...order].reverse().map((entry) => entry.fold()),
    message: (messageId) => entries.get(messageId)?.fold(),
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
