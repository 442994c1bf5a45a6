/** What the events about one message come to. */
import type { ConnectorEvent } from "./events.ts";
import {
  type AttemptRecord,
  isOver,
  type RecentMessage,
  type Standing,
  type TargetStanding,
} from "./picture.ts";

/** Those that tell something about one message. */
export type MessageEvent = Extract<ConnectorEvent, {
  type:
    | "delivery.received"
    | "delivery.duplicate"
    | "delivery.routed"
    | "delivery.attempted"
    | "delivery.retrying"
    | "delivery.succeeded"
    | "delivery.failed"
    | "delivery.deferred"
    | "dead_letter.stored"
    | "dead_letter.replayed"
    | "dead_letter.forgotten"
    | "settlement.confirmed";
}>;

/** Of one message. */
const maxAttempts = 50;

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

/** What is known before the first event, which happened at `at`. */
export function newRecord(event: MessageEvent, at: number): RecentMessage {
  const { messageId, webhookId = "", traceId } = event;
  return {
    messageId,
    webhookId,
    traceId,
    method: "",
    path: "",
    at,
    lagMs: undefined,
    bytes: undefined,
    // Its coming counts itself.
    copies: event.type === "delivery.received" ? 0 : 1,
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
}

/**
 * The message after an event that happened at `at`; `before` it came for the last time it was this, which it still is
 * when it was a copy.
 */
export function withEvent(
  message: RecentMessage,
  event: MessageEvent,
  at: number,
  before: RecentMessage | undefined,
): RecentMessage {
  const known = { ...message, traceId: message.traceId ?? event.traceId };
  const reason = "reason" in event ? event.reason?.message : undefined;
  switch (event.type) {
    case "delivery.received": {
      const { method, path, bytes, lagMs } = event;
      const copies = known.copies + 1;
      return { ...begunAnew(known), lagMs: known.lagMs ?? lagMs, method, path, bytes, copies };
    }
    case "delivery.duplicate":
      return copyOf(before ? standingAs(before, known) : known, event.outcome);
    case "delivery.routed":
      return event.targets.reduce(
        (so, target) => atTarget(so, at, target, { standing: "in_hand", reason }),
        known,
      );
    case "delivery.attempted":
      return {
        ...known,
        attemptCount: known.attemptCount + 1,
        attempts: [...known.attempts.slice(1 - maxAttempts), attemptOf(event, at)],
      };
    case "delivery.retrying":
      return atTarget(known, at, event.target, { standing: "retrying", reason });
    case "delivery.succeeded":
      // With that goes its letter, if it was put away before.
      return atTarget(known, at, event.target, {
        ...{ standing: "delivered", reason, isDeadLetter: false },
      });
    case "delivery.failed":
      return atTarget(known, at, event.target, { standing: event.outcome, reason });
    case "delivery.deferred":
      return atTarget(known, at, event.target, { standing: "deferred", reason });
    case "dead_letter.stored":
      return atTarget(known, at, event.target, { reason, isDeadLetter: true });
    case "dead_letter.replayed":
      return atTarget(known, at, event.target, { isDeadLetter: !event.delivered });
    case "dead_letter.forgotten":
      return withoutLetter(known, event.target);
    case "settlement.confirmed":
      return { ...known, settled: event.verdict };
  }
}

/** What is in hand again. Targets that have it stand where they did, and those whose letter is kept until they say more. */
function begunAnew(message: RecentMessage): RecentMessage {
  const targets = message.targets.filter(({ standing, isDeadLetter }) =>
    standing === "delivered" || isDeadLetter
  );
  const news = { standing: "in_hand", reason: undefined, durationMs: undefined } as const;
  return { ...message, ...news, targets, settled: undefined };
}

/** A copy of what ended before this process began, or before it was looked at, stands as that ended. */
function copyOf(
  message: RecentMessage,
  outcome: "delivered" | "rejected" | undefined,
): RecentMessage {
  return outcome && message.standing === "in_hand" ? { ...message, standing: outcome } : message;
}

function standingAs(before: RecentMessage, message: RecentMessage): RecentMessage {
  const { targets, standing, reason, durationMs, settled } = before;
  return { ...message, targets, standing, reason, durationMs, settled };
}

function attemptOf(
  { target, attempt, durationMs, result, status, reason }: Extract<
    MessageEvent,
    { type: "delivery.attempted" }
  >,
  at: number,
): AttemptRecord {
  return {
    ...{ target, attempt, durationMs, startedAt: at - durationMs, result },
    status: status ?? reason?.status,
    reason: reason?.message,
  };
}

function withoutLetter(message: RecentMessage, name: string): RecentMessage {
  const targets = message.targets.map((one) =>
    one.name === name ? { ...one, isDeadLetter: false } : one
  );
  return { ...message, targets, isDeadLetter: targets.some(({ isDeadLetter }) => isDeadLetter) };
}

/** "" stands for all of them, until one of them is asked. */
function atTarget(
  message: RecentMessage,
  at: number,
  name = "",
  news: Partial<TargetStanding>,
): RecentMessage {
  const asked = message.targets.filter((other) => name === "" || other.name !== "");
  const before = asked.find((other) => other.name === name);
  const now: TargetStanding = {
    ...before ?? { name, standing: "rejected", reason: undefined, isDeadLetter: false },
    ...news,
  };
  const targets = before ? asked.map((other) => other === before ? now : other) : [...asked, now];
  const { standing, reason } = targets.reduce((one, other) =>
    rank[other.standing] > rank[one.standing] ? other : one
  );
  return {
    ...message,
    ...{ targets, standing, reason },
    durationMs: message.durationMs ?? (isOver(standing) ? at - message.at : undefined),
    isDeadLetter: targets.some(({ isDeadLetter }) => isDeadLetter),
  };
}
