/** The last messages and the last minutes of a connector, folded from its events. */
import type { Clock } from "../async/clock.ts";
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
/** So many events wait for somebody who looks. */
const maxHeard = 4_000;

/** They make no message known. */
const tellsOfKnown: ReadonlySet<MessageEvent["type"]> = new Set([
  "delivery.duplicate",
  "dead_letter.forgotten",
  "dead_letter.replayed",
  "settlement.confirmed",
]);

/** A message, and what its events came to. */
interface Entry {
  readonly record: RecentMessage;
  /** What it was before it came for the last time. */
  readonly before: RecentMessage | undefined;
}

/**
 * Bounded, and cheap for each event, which is kept as it is: what takes time is done when somebody looks, or where too many
 * wait for that.
 */
export function foldRecent(clock: Clock): RecentFold {
  /** The newest last. */
  const entries = new Map<string, Entry>();
  /** What was heard and not folded, and when; what is beyond `waits` is of an earlier time. */
  const heard: (MessageEvent | undefined)[] = new Array(maxHeard).fill(undefined);
  const times = new Float64Array(maxHeard);
  let waits = 0;
  const outcomes = new PerSecond(seriesSeconds, 2, clock);
  const latency = new PerSecond(seriesSeconds, latencyBuckets, clock);
  let version = 0;
  let waiting: number | undefined;

  function observe(event: ConnectorEvent): void {
    switch (event.type) {
      case "delivery.attempted":
        latency.add(bucketOf(event.durationMs));
        if (event.result !== "delivered") outcomes.add(1);
        hear(event);
        break;
      case "delivery.succeeded":
        outcomes.add(0);
        hear(event);
        break;
      case "stream.connected":
        waiting = event.waiting?.messages;
        break;
      case "delivery.received":
      case "delivery.routed":
      case "delivery.retrying":
      case "delivery.failed":
      case "delivery.deferred":
      case "delivery.duplicate":
      case "dead_letter.stored":
      case "dead_letter.forgotten":
      case "dead_letter.replayed":
      case "settlement.confirmed":
        hear(event);
        break;
    }
  }

  function hear(event: MessageEvent): void {
    heard[waits] = event;
    times[waits++] = clock.now();
    if (waits === maxHeard) letGo();
  }

  /** Lets go of the messages that newer ones have taken the place of: of those nobody will see what was heard. */
  function letGo(): void {
    const newest = new Set<string>();
    let from = waits;
    while (from > 0 && newest.size < maxMessages) {
      const event = heard[--from];
      if (event?.type === "delivery.received") newest.add(event.messageId);
    }
    // Where those have many events each there is little to let go of, and to look for it each time would cost more.
    if (newest.size === maxMessages && from >= maxHeard / 2) {
      for (const messageId of entries.keys()) {
        if (!newest.has(messageId)) entries.delete(messageId);
      }
      take(from, ({ messageId }) => newest.has(messageId));
    } else take(waits);
  }

  /** Folds the first `count` of what was heard, or those among them that are wanted. */
  function take(count: number, isWanted: (event: MessageEvent) => boolean = () => true): void {
    for (let i = 0; i < count; i++) {
      const event = heard[i];
      const at = times[i];
      if (event && at !== undefined && isWanted(event)) fold(event, at);
    }
    heard.copyWithin(0, count, waits);
    times.copyWithin(0, count, waits);
    waits -= count;
  }

  function fold(event: MessageEvent, at: number): void {
    const { messageId, type } = event;
    const known = entries.get(messageId);
    if (!known && tellsOfKnown.has(type)) return;
    const isNew = type === "delivery.received";
    if (isNew) entries.delete(messageId); // The newest again.
    const soFar = known?.record ?? newRecord(event, at);
    const before = isNew ? soFar : known?.before;
    const record = { ...withEvent(soFar, event, at, before), version: ++version };
    entries.set(messageId, { record, before });
    if (entries.size <= maxMessages) return;
    const [oldest] = entries.keys();
    if (oldest !== undefined) entries.delete(oldest);
  }

  return {
    observe,
    messages() {
      take(waits);
      return [...entries.values()].reverse().map(({ record }) => record);
    },
    message(messageId) {
      take(waits);
      return entries.get(messageId)?.record;
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
