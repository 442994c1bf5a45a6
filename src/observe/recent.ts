/** The last messages and the last minutes of a connector, folded from its events. */
import type { Clock } from "../async/clock.ts";
import { AgedMap } from "../async/aged_map.ts";
import { PerSecond } from "../async/per_second.ts";
import type { ConnectorEvent, Observe } from "./events.ts";
import { bucketOf, latencyBuckets, percentile } from "./latency.ts";
import type { AttemptRecord, RecentMessage, Series, Standing, TargetStanding } from "./picture.ts";

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
/** Of one message. */
const maxAttempts = 50;
const seriesSeconds = 300;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Entry = Writable<RecentMessage>;

/** The higher, the further from success. */
const rank: Readonly<Record<Standing, number>> = {
  delivered: 0,
  abandoned: 1,
  deferred: 2,
  rejected: 3,
  exhausted: 4,
  in_hand: 5,
  retrying: 6,
};

/** Bounded, and cheap for each event: what takes time is done when somebody looks. */
export function foldRecent(clock: Clock): RecentFold {
  const entries = new AgedMap<Entry>();
  const outcomes = new PerSecond(seriesSeconds, 2, clock);
  const latency = new PerSecond(seriesSeconds, latencyBuckets, clock);
  let version = 0;
  let waiting: number | undefined;

  function observe(event: ConnectorEvent): void {
    switch (event.type) {
      case "stream.connected":
        waiting = event.waiting?.messages;
        break;
      case "delivery.received": {
        const known = entries.get(event.messageId);
        const entry = entryOf(event);
        entry.lagMs ??= event.lagMs;
        entry.method = event.method;
        entry.path = event.path;
        entry.bytes = event.bytes;
        if (!known) break;
        entry.copies++;
        entry.durationMs = undefined;
        entries.set(event.messageId, entry);
        break;
      }
      case "delivery.attempted":
        latency.add(bucketOf(event.durationMs));
        if (event.result !== "delivered") outcomes.add(1);
        attempted(entryOf(event), event);
        break;
      case "delivery.retrying":
        stands(entryOf(event), event.target, "retrying", event.reason.message);
        break;
      case "delivery.succeeded":
        outcomes.add(0);
        stands(entryOf(event), event.target, "delivered");
        break;
      case "delivery.failed":
        stands(entryOf(event), event.target ?? "", event.outcome, event.reason.message);
        break;
      case "delivery.deferred":
        stands(entryOf(event), event.target ?? "", "deferred", event.reason.message);
        break;
      case "dead_letter.stored":
        entryOf(event).isDeadLetter = true;
        break;
      case "dead_letter.replayed": {
        const entry = entries.get(event.messageId);
        if (entry) changed(entry).isDeadLetter = !event.delivered;
        break;
      }
      case "settlement.confirmed": {
        const entry = entries.get(event.messageId);
        if (entry) changed(entry).settled = event.verdict;
        break;
      }
    }
  }

  /** The entry of the event's message, as changed; a new one where there is none. */
  function entryOf(
    event: {
      readonly messageId: string;
      readonly webhookId: string;
      readonly traceId?: string | undefined;
    },
  ): Entry {
    const { messageId, webhookId } = event;
    let entry = entries.get(messageId);
    if (!entry) {
      entry = {
        messageId,
        webhookId,
        traceId: undefined,
        method: "",
        path: "",
        at: clock.now(),
        lagMs: undefined,
        bytes: undefined,
        copies: 1,
        targets: [],
        standing: "in_hand",
        reason: undefined,
        attemptCount: 0,
        attempts: [],
        durationMs: undefined,
        settled: undefined,
        isDeadLetter: false,
        version: 0,
      };
      entries.set(messageId, entry);
      entries.forgetOldest(maxMessages);
    }
    entry.traceId ??= event.traceId;
    return changed(entry);
  }

  function changed(entry: Entry): Entry {
    entry.version = ++version;
    return entry;
  }

  function attempted(
    entry: Entry,
    { target, attempt, durationMs, result, status, reason }: Extract<
      ConnectorEvent,
      { type: "delivery.attempted" }
    >,
  ): void {
    entry.attemptCount++;
    const record: AttemptRecord = {
      target,
      attempt,
      durationMs,
      startedAt: clock.now() - durationMs,
      result,
      status: status ?? reason?.status,
      reason: reason?.message,
    };
    // Made anew: an array that grows has room for many, and most messages have one attempt.
    entry.attempts = [...entry.attempts.slice(1 - maxAttempts), record];
  }

  function stands(entry: Entry, target: string, standing: Standing, reason?: string): void {
    const now: TargetStanding = { name: target, standing };
    entry.targets = entry.targets.some(({ name }) => name === target)
      ? entry.targets.map((other) => other.name === target ? now : other)
      : [...entry.targets, now];
    entry.standing = standing;
    for (const { standing: other } of entry.targets) {
      if (rank[other] > rank[entry.standing]) entry.standing = other;
    }
    entry.reason = entry.standing === "delivered" ? undefined : reason ?? entry.reason;
    const isOver = entry.standing !== "retrying" && entry.standing !== "in_hand";
    if (isOver) entry.durationMs ??= clock.now() - entry.at;
  }

  return {
    observe,
    messages: () => [...entries.values()].reverse(),
    message: (messageId) => entries.get(messageId),
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
